// Every namespace has a ServiceAccount `default`.
import { Namespace } from '../api/core/namespace.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import { type Controller, watching } from './controller.ts'
import { createInNamespace, namespacesOf } from './in-every-namespace.ts'

const name = 'default'

export const serviceAccount = (): Controller => ({
  name: 'service-account',
  watches: [watching(Namespace), watching(ServiceAccount, namespacesOf, { fieldSelector: `metadata.name=${name}` })],
  async reconcile({ name: namespace }, { client, mirrored }) {
    if (mirrored(ServiceAccount).get({ namespace, name })) return undefined
    const { kind, apiVersion } = ServiceAccount
    await createInNamespace(client, ServiceAccount, { kind, apiVersion, metadata: { name, namespace } })
    return undefined
  },
})
