// Pods with a user namespace of their own (hostUsers: false), which no sandbox of ours gets yet.
import type { Pod } from '../api/core/pod.ts'
import type { Runtime } from './cri/runtime.ts'

/**
 * Throws for a Pod that asks for one: running it as root of the node would be worse than not running it.
 * k8s: a handler that cannot is named in these words; the last refusal is ours alone, since we ask no runtime for one.
 */
export async function refuseUserNamespace(pod: Pod, handler: string, runtime: Pick<Runtime, 'status'>): Promise<void> {
  if (pod.spec.hostUsers !== false) return
  const { handlers } = await runtime.status()
  const found = handlers.find(({ name }) => name === handler)
  if (!found?.features?.userNamespaces) throw new Error(`RuntimeClass handler "${handler}" does not support user namespaces`)
  throw new Error(`this kubelet does not make user namespaces yet, whatever handler "${handler}" could do`)
}
