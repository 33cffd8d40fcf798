// Lease: a heartbeat; nodes renew theirs.
import { invalid, negative } from '../field-error.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { embedded, integer, microTime, object, pointer, text } from '../schema.ts'

const leaseSpec = object(
  {
    holderIdentity: pointer(text()),
    leaseDurationSeconds: pointer(integer()),
    acquireTime: pointer(microTime()),
    renewTime: pointer(microTime()),
    leaseTransitions: pointer(integer()),
    strategy: pointer(text()),
    preferredHolder: pointer(text()),
  },
  { name: 'io.k8s.api.coordination.v1.LeaseSpec' },
)

export const Lease = kind({
  ...{ group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', scope: 'namespaced' },
  openapiName: 'io.k8s.api.coordination.v1.Lease',
  fields: { spec: embedded(leaseSpec) },
  createOnUpdate: true,
  unconditionalUpdate: false,
  validate: ({ spec: { leaseDurationSeconds: seconds, leaseTransitions } }) => [
    ...(seconds !== undefined && seconds <= 0 ? [invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0')] : []),
    ...negative('spec.leaseTransitions', leaseTransitions),
  ],
  columns: [{ name: 'Holder', cell: (lease) => lease.spec.holderIdentity ?? '' }],
})
export type Lease = ObjectOf<typeof Lease>
