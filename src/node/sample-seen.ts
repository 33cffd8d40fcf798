// What a runtime may have of a Pod, for tests of the pure parts of the kubelet.
import { containerHash } from './container-hash.ts'
import type { ContainerStatus, Sandbox } from './cri/runtime.ts'
import { hashAnnotation } from './pod-labels.ts'
import type { Seen } from './seen.ts'

/** The sandbox of attempt n is `sandbox-n`. */
export const sampleSandboxSeen = (state: Sandbox['state'] = 'ready', attempt = 0): Sandbox => ({
  ...{ id: `sandbox-${attempt}`, state, createdAt: 1000 + attempt, labels: {}, annotations: {}, runtimeHandler: '' },
  metadata: { name: 'web', uid: 'uid-1', namespace: 'default', attempt },
})

/** A run of a container of image busybox:1 in `sandbox-0`; its id is `<name>-<attempt>`. Runs at 10 s, ends at 20 s. */
export function sampleRun(
  name: string,
  state: ContainerStatus['state'],
  more: Partial<ContainerStatus> & { attempt?: number } = {},
) {
  const { attempt = 0, ...rest } = more
  const annotations = { [hashAnnotation]: containerHash({ name, image: 'busybox:1' }) }
  const status: ContainerStatus = {
    ...{ id: `${name}-${attempt}`, sandboxId: 'sandbox-0', metadata: { name, attempt }, state, annotations, labels: {} },
    ...{ image: 'docker.io/library/busybox:1', imageRef: 'sha256:b', createdAt: 9000 + attempt },
    ...{ startedAt: state === 'created' ? 0 : 10_000, finishedAt: state === 'exited' ? 20_000 : 0 },
    ...{ exitCode: 0, reason: '', message: '', logPath: `/logs/${name}/${attempt}.log`, mounts: [] },
    ...rest,
  }
  return status
}

/** In a ready sandbox with an address, unless told otherwise. */
export const sampleSeen = (containers: readonly ContainerStatus[], more: Partial<Seen> = {}): Seen => ({
  sandboxes: [sampleSandboxSeen()],
  ips: ['10.1.2.3'],
  containers,
  ...more,
})
