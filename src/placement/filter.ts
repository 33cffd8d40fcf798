// A rule that says which nodes a Pod may go to.
import type { NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import type { Namespaces } from './pod-terms.ts'
import type { Reason } from './reason.ts'

/** Facts that are neither Pod nor node. */
export interface World {
  /** RuntimeClass name to its handler. */
  classes: ReadonlyMap<string, string>
  namespaces: Namespaces
  /** The whole cluster, whichever nodes are asked about. */
  everyNode: readonly NodeView[]
  /** Those with Pods that have terms about other Pods. */
  affineNodes: ReadonlySet<NodeView>
}

/** What callers know of it; the rest is taken from the nodes they ask about. */
export type KnownWorld = Pick<World, 'classes'> & { [K in Exclude<keyof World, 'classes'>]?: World[K] | undefined }

/** No node can be right, whichever it is. */
export interface Rejection {
  rejected: Reason
}

export interface Filter<T = unknown> {
  /** Upstream's plugin name where there is one. */
  name: string
  /** True: looks at more than the Pod, its class and one node. */
  asksOthers?: boolean | undefined
  /** Once per Pod; undefined: this Pod is none of the filter's business. */
  prepare(need: PodNeed, world: World): T | Rejection | undefined
  /** cost: once per Pod and node. Undefined: fits, without allocation; else every reason why not. */
  check(state: T, node: NodeView): readonly Reason[] | undefined
}

/** Hides what `prepare` hands to `check`. */
export const filter = <T>(declared: Filter<T>): Filter => declared as unknown as Filter

export const isRejection = (state: unknown): state is Rejection =>
  typeof state === 'object' && state !== null && 'rejected' in state
