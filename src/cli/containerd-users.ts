// Who uses a handler now: its sandboxes, as the container runtime lists them.
import { Problem } from '../cluster/problem.ts'
import { textAt } from '../containerd/config-tree.ts'
import { criSocket } from '../containerd/cri-socket.ts'
import { type RuntimeTable, runtimeTable } from '../containerd/effective-config.ts'
import type { Runtime, Sandbox, SandboxStatus } from '../node/cri/runtime.ts'
import { canaryLabel } from '../node/handler/canary.ts'
import type { OpenConfig } from './containerd-config.ts'

/** Rejects with Problem, naming the Pods, while there are any; also when containerd cannot be asked, or is away and its shims are not. */
export async function refuseWhileUsed(open: OpenConfig, name: string): Promise<void> {
  if (open.owner.pid === undefined) return refuseOrphans(open, name)
  const entry = runtimeTable(open.config, name)
  const users = await sandboxesOf(open, async (sandbox, runtime) => {
    if (sandbox.runtimeHandler !== '') return sandbox.runtimeHandler === name
    if (!entry || open.config.defaultName !== name) return false
    // the default may have been another one when it was made
    const { evidence } = await runtime.sandboxStatus(sandbox.id)
    return isMadeBy(entry, evidence)
  })
  if (users.length === 0) return
  const names = users.map(({ metadata }) => `  ${metadata.namespace}/${metadata.name}`).toSorted()
  const who = users.length === 1 ? 'a Pod uses' : `${users.length} Pods use`
  const why = `could neither be stopped nor asked without it in ${open.path}`
  throw new Problem('failed', `${who} handler "${name}", and ${why}:\n${names.join('\n')}`)
}

/** Nobody says which handlers the shims are of. */
async function refuseOrphans({ config, path }: OpenConfig, name: string): Promise<void> {
  const { orphanShims } = await import('../node/containerd/shims.ts')
  const pids = await orphanShims(criSocket(config))
  if (pids.length === 0) return
  const who = pids.length === 1 ? `a shim of it lives on (pid ${pids[0]})` : `shims of it live on (pids ${pids.join(', ')})`
  throw new Problem(
    'failed',
    `no containerd runs with ${path}, and ${who}: a Pod of "${name}" could then neither be stopped nor asked. Start containerd, then remove the handler`,
  )
}

/** True, too, where the runtime does not tell. */
function isMadeBy({ runtimeType, table }: RuntimeTable, evidence: SandboxStatus['evidence']): boolean {
  const options = evidence.runtimeOptions ?? {}
  const binary = textAt(table, 'options', 'BinaryName') || textAt(table, 'runtime_engine')
  const said = options['binary_name'] ?? options['BinaryName'] ?? options['runtime'] ?? ''
  return evidence.runtimeType === undefined || (evidence.runtimeType === runtimeType && said === binary)
}

/** What a new default does to Pods that named no class; "" when there are none. */
export async function newDefaultText(open: OpenConfig, name: string): Promise<string> {
  const entry = runtimeTable(open.config, name)
  const users = await sandboxesOf(open, async ({ runtimeHandler, id }, runtime) => {
    if (runtimeHandler !== '') return false
    return !entry || !isMadeBy(entry, (await runtime.sandboxStatus(id)).evidence)
  })
  if (users.length === 0 || open.config.defaultName === name) return ''
  const who = users.length === 1 ? '1 Pod without a RuntimeClass runs' : `${users.length} Pods without a RuntimeClass run`
  return `${who} in a sandbox that is not of "${name}": containers that restart there do so as "${name}"; start such Pods anew\n`
}

type Wanted = (sandbox: Sandbox, runtime: Runtime) => boolean | Promise<boolean>

/** Running sandboxes of Pods; none where no containerd runs with the file. */
async function sandboxesOf({ config, owner }: OpenConfig, wanted: Wanted): Promise<Sandbox[]> {
  if (owner.pid === undefined) return []
  const socket = criSocket(config)
  const { criRuntime } = await import('../node/cri/grpc.ts')
  const runtime = criRuntime(socket)
  try {
    const found: Sandbox[] = []
    for (const sandbox of await runtime.listSandboxes())
      if (sandbox.state === 'ready' && sandbox.labels[canaryLabel] === undefined && (await wanted(sandbox, runtime)))
        found.push(sandbox)
    return found
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Problem('failed', `containerd (pid ${owner.pid}) cannot be asked for its Pods on ${socket}: ${why}`, error)
  } finally {
    await runtime.close()
  }
}
