// Namespace: a room for names, whose deletion removes what it holds.
import { kind, type ObjectOf } from '../kind.ts'
import type { ObjectMeta } from '../meta.ts'
import { dnsLabel } from '../name.ts'
import { embedded, type Infer, listOf, object, optional, text, time } from '../schema.ts'
import { namespaceErrors, namespaceStatusErrors } from './namespace-rules.ts'

const name = (kindName: string) => ({ name: `io.k8s.api.core.v1.${kindName}` })

const namespaceCondition = object(
  { type: text(), status: text(), lastTransitionTime: optional(time()), reason: optional(text()), message: optional(text()) },
  name('NamespaceCondition'),
)

/** k8s: a defaulted label, so it comes back when a user removes it. */
function labelWithName({ metadata }: { metadata: ObjectMeta }): void {
  metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name }
}

export const Namespace = kind({
  ...{ group: '', version: 'v1', kind: 'Namespace', plural: 'namespaces', shortNames: ['ns'], scope: 'cluster' },
  openapiName: 'io.k8s.api.core.v1.Namespace',
  fields: {
    spec: embedded(object({ finalizers: optional(listOf(text())) }, name('NamespaceSpec'))),
    status: embedded(
      object(
        {
          phase: optional(text()),
          conditions: optional(listOf(namespaceCondition, { merge: { keys: ['type'] } })),
        },
        name('NamespaceStatus'),
      ),
    ),
  },
  hasStatus: true,
  prepareCreate(ns) {
    ns.status = { phase: 'Active' }
    ns.spec.finalizers = [...new Set([...(ns.spec.finalizers ?? []), 'kubernetes'])]
    labelWithName(ns)
  },
  prepareUpdate(next, old) {
    // k8s: only /finalize writes the finalizers of the spec
    next.spec = old.spec
    labelWithName(next)
  },
  validate: namespaceErrors,
  validateStatusUpdate: namespaceStatusErrors,
  name: dnsLabel,
  without: ['deletecollection'],
  selectable: { 'status.phase': (ns) => ns.status.phase ?? '', name: (ns) => ns.metadata.name },
  columns: [{ name: 'Status', cell: (ns) => ns.status.phase ?? '' }],
})
export type Namespace = ObjectOf<typeof Namespace>
export type NamespaceCondition = Infer<typeof namespaceCondition>
