// Who uses a handler now: its sandboxes, as the container runtime lists them.
import { Problem } from '../cluster/problem.ts'
import { criSocket } from '../containerd/cri-socket.ts'
import { canaryLabel } from '../node/handler/canary.ts'
import type { OpenConfig } from './containerd-config.ts'

/** Rejects with Problem, naming the Pods, while there are any; also when a containerd runs and cannot be asked. */
export async function refuseWhileUsed({ config, owner, path }: OpenConfig, name: string): Promise<void> {
  // nobody's Pods run while their containerd's process is not there to be found
  if (owner.pid === undefined) return
  const socket = criSocket(config)
  const { criRuntime } = await import('../node/cri/grpc.ts')
  const runtime = criRuntime(socket)
  try {
    const sandboxes = await runtime.listSandboxes().catch((error: Error) => {
      throw new Problem(
        'failed',
        `containerd (pid ${owner.pid}) cannot be asked on ${socket} which Pods use "${name}": ${error.message}`,
        error,
      )
    })
    const users = sandboxes.filter(
      ({ state, runtimeHandler, labels }) =>
        state === 'ready' && (runtimeHandler || config.defaultName) === name && labels[canaryLabel] === undefined,
    )
    if (users.length === 0) return
    const names = users.map(({ metadata }) => `  ${metadata.namespace}/${metadata.name}`).toSorted()
    throw new Problem(
      'failed',
      `${users.length === 1 ? 'a Pod uses' : `${users.length} Pods use`} handler "${name}", and could neither be stopped nor asked without it in ${path}:\n${names.join('\n')}`,
    )
  } finally {
    await runtime.close()
  }
}
