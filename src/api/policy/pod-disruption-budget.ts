// PodDisruptionBudget: how many of some Pods must stay when others choose to take some away.
import { kind, type ObjectOf } from '../kind.ts'
import { labelSelector } from '../label-selector.ts'
import { condition, timeOrYearOne } from '../meta-condition.ts'
import { embedded, type Infer, integer, intOrString, listOf, mapOf, object, optional, pointer, text } from '../schema.ts'
import { budgetErrors, budgetStatusErrors } from './pod-disruption-budget-rules.ts'

const name = (kind: string) => ({ name: `io.k8s.api.policy.v1.${kind}` })

const spec = object(
  {
    minAvailable: pointer(intOrString()),
    selector: pointer(labelSelector),
    maxUnavailable: pointer(intOrString()),
    unhealthyPodEvictionPolicy: pointer(text({ enum: ['AlwaysAllow', 'IfHealthyBudget'] })),
  },
  name('PodDisruptionBudgetSpec'),
)
const status = object(
  {
    observedGeneration: optional(integer('int64')),
    /** Pods whose eviction was granted and that the controller has not seen go: name to when. */
    disruptedPods: optional(mapOf(timeOrYearOne)),
    disruptionsAllowed: integer(),
    currentHealthy: integer(),
    desiredHealthy: integer(),
    expectedPods: integer(),
    conditions: optional(listOf(condition, { merge: { keys: ['type'] } })),
  },
  name('PodDisruptionBudgetStatus'),
)

export const PodDisruptionBudget = kind({
  ...{ group: 'policy', version: 'v1', kind: 'PodDisruptionBudget', plural: 'poddisruptionbudgets', shortNames: ['pdb'] },
  scope: 'namespaced',
  openapiName: 'io.k8s.api.policy.v1.PodDisruptionBudget',
  fields: { spec: embedded(spec), status: embedded(status) },
  hasStatus: true,
  unconditionalUpdate: false,
  prepareCreate(pdb) {
    pdb.metadata.generation = 1
    pdb.status = status.zero
  },
  prepareUpdate(next, old) {
    const same = JSON.stringify(next.spec) === JSON.stringify(old.spec)
    next.metadata.generation = (old.metadata.generation ?? 0) + (same ? 0 : 1)
  },
  validate: budgetErrors,
  validateStatusUpdate: budgetStatusErrors,
  columns: [
    { name: 'Min Available', cell: ({ spec: { minAvailable } }) => String(minAvailable ?? 'N/A') },
    { name: 'Max Unavailable', cell: ({ spec: { maxUnavailable } }) => String(maxUnavailable ?? 'N/A') },
    { name: 'Allowed Disruptions', type: 'integer', cell: (pdb) => pdb.status.disruptionsAllowed },
  ],
})
export type PodDisruptionBudget = ObjectOf<typeof PodDisruptionBudget>
export type PodDisruptionBudgetStatus = Infer<typeof status>
