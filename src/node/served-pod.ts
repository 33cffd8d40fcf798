// A Pod as the kubelet's server asks for it: which containers there are to read, enter and attach to.
import type { ContainerStatus, Runtime } from './cri/runtime.ts'
import type { ServedContainer, ServedPod } from './kubelet-server.ts'
import type { PodMemory } from './pod-world.ts'
import { allContainers } from './sandbox-config.ts'
import type { Seen } from './seen.ts'

/** `seen` is read anew: a container may have ended a moment ago. */
export function servedPod(memory: Readonly<PodMemory>, seen: Seen, runtime: Runtime): ServedPod {
  const containers = allContainers(memory.pod).map((container): [string, ServedContainer] => {
    const [current, previous] = seen.containers.filter((c) => c.metadata.name === container.name)
    const reason = memory.waiting.get(container.name)?.reason
    return [
      container.name,
      {
        current: current && logOf(current),
        previous: previous && logOf(previous),
        tty: container.tty ?? false,
        ...(reason === undefined ? {} : { waitingReason: reason }),
      },
    ]
  })
  return { sandboxId: seen.sandboxes[0]?.id ?? '', containers: Object.fromEntries(containers), runtime }
}

const logOf = ({ id, logPath }: ContainerStatus): { id: string; logPath: string } => ({ id, logPath })
