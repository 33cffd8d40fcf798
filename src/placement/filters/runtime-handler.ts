// Ours, beyond upstream: a Pod goes only where its RuntimeClass's handler is offered, and was proved to work.
import { filter, type Rejection, type World } from '../filter.ts'
import type { NodeView } from '../node-view.ts'
import type { PodNeed } from '../pod-need.ts'
import type { Reason } from '../reason.ts'

interface Wanted {
  /** "": the default one. */
  handler: string
  runtimeClass: string
  lacking: readonly Reason[]
}

/** Of Pods without a class: every node has a default handler. */
const anyDefault: Wanted = { handler: '', runtimeClass: '', lacking: [] }

function prepare({ pod }: PodNeed, { classes }: World): Wanted | Rejection {
  const runtimeClass = pod.spec.runtimeClassName
  if (!runtimeClass) return anyDefault
  const handler = classes.get(runtimeClass)
  // deleted after admission: no node could start the Pod until the class is back, with whichever handler it names then
  if (handler === undefined) return { rejected: { text: `RuntimeClass "${runtimeClass}" not found`, unresolvable: true } }
  const text = `node(s) do not offer runtime handler "${handler}" of RuntimeClass "${runtimeClass}"`
  return { handler, runtimeClass, lacking: [{ text, unresolvable: true, handler: { handler, runtimeClass } }] }
}

/** A node that reports no handlers at all is trusted to have them: upstream's kubelets need not report, nor prove. */
function check(wanted: Wanted, { handlers, unproved }: NodeView): readonly Reason[] | undefined {
  const { handler, lacking } = wanted
  if (handlers && !handlers.has(handler) && handler !== '') return lacking
  return unproved?.has(handler) ? [notProved(wanted, unproved.get(handler))] : undefined
}

function notProved({ handler, runtimeClass }: Wanted, why: string | undefined): Reason {
  const which = handler === '' ? 'the default runtime handler' : `runtime handler "${handler}"`
  const text = why === undefined ? `node(s) where ${which} is not proved yet` : `node(s) where ${which} is not ready (${why})`
  return { text, unresolvable: true, handler: { handler, runtimeClass, unproved: { why } } }
}

export const runtimeHandler = filter({ name: 'RuntimeHandler', prepare, check })
