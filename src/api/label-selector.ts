// metav1.LabelSelector, as objects hold it. Its text form (`a=b,c in (d)`) is in selector.ts.
import { type Infer, listOf, mapOf, object, optional, text } from './schema.ts'

const labelSelectorRequirement = object(
  { key: text(), operator: text(), values: optional(listOf(text())) },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement' },
)

export const labelSelector = object(
  { matchLabels: optional(mapOf(text())), matchExpressions: optional(listOf(labelSelectorRequirement)) },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector', atomic: true },
)
export type LabelSelector = Infer<typeof labelSelector>
