// Ours, beyond upstream: a Pod goes only where its RuntimeClass's handler is offered.
import { filter, type Rejection, type World } from '../filter.ts'
import type { PodNeed } from '../pod-need.ts'
import type { Reason } from '../reason.ts'

interface Wanted {
  handler: string
  lacking: readonly Reason[]
}

function prepare({ pod }: PodNeed, { classes }: World): Wanted | Rejection | undefined {
  const runtimeClass = pod.spec.runtimeClassName
  if (!runtimeClass) return undefined
  const handler = classes.get(runtimeClass)
  // deleted after admission: no node could start the Pod until the class is back, with whichever handler it names then
  if (handler === undefined) return { rejected: { text: `RuntimeClass "${runtimeClass}" not found`, unresolvable: true } }
  const text = `node(s) do not offer runtime handler "${handler}" of RuntimeClass "${runtimeClass}"`
  return { handler, lacking: [{ text, unresolvable: true, handler: { handler, runtimeClass } }] }
}

/** A node that reports no handlers at all is trusted to have them: upstream's kubelets need not report. */
export const runtimeHandler = filter({
  name: 'RuntimeHandler',
  prepare,
  check: ({ handler, lacking }: Wanted, { handlers }) => (!handlers || handlers.has(handler) ? undefined : lacking),
})
