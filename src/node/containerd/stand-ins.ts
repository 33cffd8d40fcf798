// Scripts that stand in for a runtime or a shim where the machine and the binary do not get along.
import { join } from 'node:path'
import type { HandlerRecipe } from '../../containerd/handler-table.ts'
import { writeAtomically } from '../../lib/atomic-file.ts'

/**
 * For a runtime that refuses hybrid cgroups: it runs in a mount namespace of its own, without the v2 mount.
 * Only the runtime sees that; containerd, the shims and volumes mounted later stay in the machine's namespace.
 */
export const withoutUnified = (folder: string, runtime: string, name: string): Promise<string> =>
  script(
    join(folder, name),
    `exec unshare --mount --propagation slave /bin/sh -c 'umount /sys/fs/cgroup/unified && exec "$0" "$@"' '${runtime}' "$@"`,
  )

/**
 * For a shim that may be newer than its containerd: before 1.7 containerd takes the whole answer to `start` for the shim's address,
 * while shims built on containerd 2 answer with JSON. What is no JSON is passed on as it is,
 * and a shim that is gone is told of in containerd's words.
 */
export const plainAnswer = (folder: string, path: string, { shim, runtimeType }: HandlerRecipe): Promise<string> =>
  script(
    join(folder, shim),
    `[ -x '${path}' ] || { echo 'runtime "${runtimeType}" binary not installed "${shim}": file does not exist'; exit 127; }
for last; do :; done
[ "$last" = start ] || exec '${path}' "$@"
answer=$('${path}' "$@") || { code=$?; printf '%s' "$answer"; exit $code; }
case $answer in
  '{'*) answer=\${answer#*'"address":"'}; answer=\${answer%%'"'*} ;;
esac
printf '%s' "$answer"`,
  )

async function script(path: string, body: string): Promise<string> {
  await writeAtomically(path, `#!/bin/sh\n${body}\n`, 0o755)
  return path
}
