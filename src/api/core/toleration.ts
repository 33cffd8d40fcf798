// Taints and tolerations.
import { type Infer, integer, object, optional, pointer, text, time, type Type } from '../schema.ts'

export const taintEffects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const
export type TaintEffect = (typeof taintEffects)[number]

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
    key: text(),
    value: optional(text()),
    // judged by toleration-rules.ts: upstream reports it at metadata.taints
    effect: text() as unknown as Type<TaintEffect>,
    timeAdded: pointer(time()),
  },
  { name: 'io.k8s.api.core.v1.Taint' },
)
export type Taint = Infer<typeof taint>
