// Taints and tolerations.
import { type Infer, integer, object, oneOf, optional, pointer, text, time } from '../schema.ts'

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const

export const toleration = object(
  {
    key: optional(text()),
    operator: optional(text()),
    value: optional(text()),
    effect: optional(text()),
    tolerationSeconds: pointer(integer('int64')),
  },
  { name: 'io.k8s.api.core.v1.Toleration' },
)
export type Toleration = Infer<typeof toleration>

export const taint = object(
  {
    key: text({ required: true }),
    value: optional(text()),
    effect: oneOf(taintEffects, { required: true }),
    timeAdded: pointer(time()),
  },
  { name: 'io.k8s.api.core.v1.Taint' },
)
export type Taint = Infer<typeof taint>
