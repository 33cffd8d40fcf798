// metav1.Condition: one fact about an object, and since when it holds.
import { type Infer, integer, object, optional, text, time, type Type } from './schema.ts'

/** A time that is always there: Go's zero time when nobody gave one. */
export const timeOrYearOne: Type<string> = { ...time(), zero: '0001-01-01T00:00:00Z' }

export const condition = object(
  {
    type: text(),
    status: text(),
    observedGeneration: optional(integer('int64')),
    lastTransitionTime: timeOrYearOne,
    reason: text(),
    message: text(),
  },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.Condition' },
)
export type Condition = Infer<typeof condition>

/** `conditions` with this one in the place of its type; the time changes with the status alone. */
export function withCondition(conditions: readonly Condition[] = [], next: Condition): Condition[] {
  const old = conditions.find(({ type }) => type === next.type)
  const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : next.lastTransitionTime
  const settled = { ...next, lastTransitionTime }
  return old ? conditions.map((one) => (one === old ? settled : one)) : [...conditions, settled]
}
