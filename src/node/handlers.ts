// Which runtime handler a Pod runs on, from the node's own copy of the RuntimeClasses.
import type { Pod } from '../api/core/pod.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import type { Mirror } from '../client/mirror.ts'

/** The class is not in the node's copy. k8s: the kubelet does not ask the API server, unlike admission. */
export class NoRuntimeClass extends Error {
  override name = 'NoRuntimeClass'
}

/** "" is the runtime's default. Throws NoRuntimeClass; resolved afresh for every sandbox. */
export function handlerOf(pod: Pod, classes: Pick<Mirror<RuntimeClass>, 'get'>): string {
  const name = pod.spec.runtimeClassName
  if (name === undefined || name === '') return ''
  const found = classes.get({ name })
  if (!found) throw new NoRuntimeClass(`runtimeclass.node.k8s.io "${name}" not found`)
  return found.handler
}
