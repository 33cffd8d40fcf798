// Takes our Pods away from a runtime that others use too.
import type { Runtime } from './cri/runtime.ts'
import { canaryLabel } from './handler/canary.ts'
import { measuredLabel } from './measure/bench-pod.ts'

/** On every sandbox and container of ours: `<cluster>/<node>`. Runtimes are shared; whatever carries another value is not ours. */
export const ownerLabel = 'polypod.dev/owner'

/** Stops and removes every sandbox that carries this owner. What cannot be removed is logged, and left. */
export async function removePods(runtime: Runtime, owner: string, log: (line: string) => void): Promise<void> {
  const [pods, canaries, measured] = await Promise.all([
    runtime.listSandboxes({ [ownerLabel]: owner }),
    runtime.listSandboxes({ [canaryLabel]: owner }),
    runtime.listSandboxes({ [measuredLabel]: owner }),
  ])
  const waiting = [...pods, ...canaries, ...measured]
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const { id, metadata } = next
      try {
        await runtime.stopSandbox(id)
        await runtime.removeSandbox(id)
      } catch (error) {
        log(`cannot remove Pod ${metadata.namespace}/${metadata.name}: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}
