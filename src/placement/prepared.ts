// A profile's filters, made ready for one Pod.
import { type Filter, isRejection, type World } from './filter.ts'
import type { NodeView } from './node-view.ts'
import type { PodNeed } from './pod-need.ts'
import type { Reason } from './reason.ts'

export interface Prepared {
  filter: Filter
  state: unknown
}

/** Why one node is out: the first filter that refused it, and all it has to say. */
export interface Refusal {
  node: NodeView
  filter: string
  reasons: readonly Reason[]
}

/** No node can be right. */
export interface Unfit {
  filter: string
  reason: Reason
}

export const isUnfit = (prepared: readonly Prepared[] | Unfit): prepared is Unfit => 'reason' in prepared

/** Those that concern the Pod, in their order. */
export function prepareFilters(filters: readonly Filter[], need: PodNeed, world: World): readonly Prepared[] | Unfit {
  const prepared: Prepared[] = []
  for (const filter of filters) {
    const state = filter.prepare(need, world)
    if (isRejection(state)) return { filter: filter.name, reason: state.rejected }
    if (state !== undefined) prepared.push({ filter, state })
  }
  return prepared
}

/** cost: once per Pod and node. */
export function refused(prepared: readonly Prepared[], node: NodeView): Refusal | undefined {
  for (let i = 0; i < prepared.length; i++) {
    const { filter, state } = prepared[i] as Prepared
    const reasons = filter.check(state, node)
    if (reasons) return { node, filter: filter.name, reasons }
  }
  return undefined
}
