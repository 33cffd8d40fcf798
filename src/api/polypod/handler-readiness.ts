// What a Node says of its runtime handlers beyond node.status: a label for each that says whether it was proved to work, and in an
// annotation of the same name why not. Schedulers read these: a NodeHandler tells the rest.
import type { ObjectMeta } from '../meta.ts'

/** `ready`: a canary ran on it. `not-ready`: one failed, or a binary is gone. `pending`: none has ended yet. */
export type HandlerReadiness = 'ready' | 'not-ready' | 'pending'

const prefix = 'handler.polypod.dev/'
const states: readonly string[] = ['ready', 'not-ready', 'pending']

/** Key of the label, and of the annotation that says why the handler is not ready. */
export const handlerKey = (handler: string): string => prefix + handler

/** The handler that Pods without a class run on, where the runtime tells. */
export const defaultHandlerAnnotation = 'polypod.dev/default-runtime-handler'

/** Undefined: the label is about no handler. */
export const handlerOfKey = (key: string): string | undefined => (key.startsWith(prefix) ? key.slice(prefix.length) : undefined)

type Labelled = { metadata: Pick<ObjectMeta, 'labels' | 'annotations'> }

/** Undefined: nobody proves handlers there (a kubelet that is not ours), which is no reason to distrust it. */
export function handlerReadiness({ metadata: { labels } }: Labelled, handler: string): HandlerReadiness | undefined {
  const state = labels?.[prefix + handler]
  return states.includes(state ?? '') ? (state as HandlerReadiness) : undefined
}

/**
 * Handlers that Pods should not be given to, with the reason: the runtime's words, or undefined while there is no proof yet.
 * "" is the default handler, and only in it when known to be broken. Undefined: none. cost: once per change of a Node.
 */
export function unprovedHandlers(node: Labelled): ReadonlyMap<string, string | undefined> | undefined {
  const { labels, annotations } = node.metadata
  let found: Map<string, string | undefined> | undefined
  for (const key in labels) {
    const handler = handlerOfKey(key)
    if (handler === undefined) continue
    const state = handlerReadiness(node, handler)
    if (state === undefined || state === 'ready') continue
    found ??= new Map()
    const why = state === 'pending' ? undefined : (annotations?.[key] ?? 'the reason is not known')
    found.set(handler, why)
    // Pods without a class do not wait for the first proof: a cluster is to be of use at once
    if (state === 'not-ready' && annotations?.[defaultHandlerAnnotation] === handler) found.set('', why)
  }
  return found
}
