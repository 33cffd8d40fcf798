// Affinity of Pods to nodes and to other Pods.
import { labelSelector } from '../label-selector.ts'
import { type Infer, integer, listOf, object, optional, pointer, text } from '../schema.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const nodeSelectorRequirement = object(
  { key: text(), operator: text(), values: optional(listOf(text())) },
  name('NodeSelectorRequirement'),
)
export const nodeSelectorTerm = object(
  { matchExpressions: optional(listOf(nodeSelectorRequirement)), matchFields: optional(listOf(nodeSelectorRequirement)) },
  { ...name('NodeSelectorTerm'), atomic: true },
)
export const nodeSelector = object({ nodeSelectorTerms: listOf(nodeSelectorTerm) }, { ...name('NodeSelector'), atomic: true })
const preferredSchedulingTerm = object({ weight: integer(), preference: nodeSelectorTerm }, name('PreferredSchedulingTerm'))
const nodeAffinity = object(
  {
    requiredDuringSchedulingIgnoredDuringExecution: pointer(nodeSelector),
    preferredDuringSchedulingIgnoredDuringExecution: optional(listOf(preferredSchedulingTerm)),
  },
  name('NodeAffinity'),
)

const podAffinityTerm = object(
  {
    labelSelector: pointer(labelSelector),
    namespaces: optional(listOf(text())),
    topologyKey: text(),
    namespaceSelector: pointer(labelSelector),
    matchLabelKeys: optional(listOf(text())),
    mismatchLabelKeys: optional(listOf(text())),
  },
  name('PodAffinityTerm'),
)
const weightedPodAffinityTerm = object({ weight: integer(), podAffinityTerm }, name('WeightedPodAffinityTerm'))
const podTerms = {
  requiredDuringSchedulingIgnoredDuringExecution: optional(listOf(podAffinityTerm)),
  preferredDuringSchedulingIgnoredDuringExecution: optional(listOf(weightedPodAffinityTerm)),
}

export const affinity = object(
  {
    nodeAffinity: pointer(nodeAffinity),
    podAffinity: pointer(object(podTerms, name('PodAffinity'))),
    podAntiAffinity: pointer(object(podTerms, name('PodAntiAffinity'))),
  },
  name('Affinity'),
)
export type Affinity = Infer<typeof affinity>
export type NodeSelector = Infer<typeof nodeSelector>
export type NodeSelectorTerm = Infer<typeof nodeSelectorTerm>
export type PodAffinityTerm = Infer<typeof podAffinityTerm>
