// ServiceAccount: who a Pod is.
import { kind, type ObjectOf } from '../kind.ts'
import { bool, type Infer, listOf, optional, pointer } from '../schema.ts'
import { localObjectReference, objectReference } from './object-reference.ts'

/** k8s: of the secrets' references only the names are kept. */
function keepNamesOnly(account: { secrets?: Infer<typeof objectReference>[] | undefined }): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}

export const ServiceAccount = kind({
  ...{ group: '', version: 'v1', kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'], scope: 'namespaced' },
  openapiName: 'io.k8s.api.core.v1.ServiceAccount',
  fields: {
    secrets: optional(listOf(objectReference, { merge: { keys: ['name'] } })),
    imagePullSecrets: optional(listOf(localObjectReference)),
    automountServiceAccountToken: pointer(bool()),
  },
  prepareCreate: keepNamesOnly,
  prepareUpdate: keepNamesOnly,
  columns: [{ name: 'Secrets', cell: (account) => account.secrets?.length ?? 0 }],
})
export type ServiceAccount = ObjectOf<typeof ServiceAccount>
