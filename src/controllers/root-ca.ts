// Every namespace has a ConfigMap with the cluster's CA; a changed one is repaired.
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { type Controller, watching } from './controller.ts'
import { createInNamespace, namespacesOf } from './in-every-namespace.ts'

const name = 'kube-root-ca.crt'
const key = 'ca.crt'
const description = 'kubernetes.io/description'
const describes =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

/** `pem`: the CA certificate. */
export const rootCa = (pem: string): Controller => ({
  name: 'root-ca',
  watches: [watching(Namespace), watching(ConfigMap, namespacesOf, { fieldSelector: `metadata.name=${name}` })],
  async reconcile({ name: namespace }, { client, mirrored }) {
    const data = { [key]: pem }
    const present = mirrored(ConfigMap).get({ namespace, name })
    if (!present) {
      const { kind, apiVersion } = ConfigMap
      const metadata = { name, namespace, annotations: { [description]: describes } }
      await createInNamespace(client, ConfigMap, { kind, apiVersion, metadata, data })
    } else if (!isRight(present, pem)) {
      const annotations = { ...present.metadata.annotations, [description]: describes }
      await client.update(ConfigMap, { ...present, metadata: { ...present.metadata, annotations }, data })
    }
    return undefined
  },
})

/** k8s: any description will do, the data must be exactly ours. */
const isRight = ({ data = {}, metadata }: ConfigMap, pem: string): boolean =>
  Object.keys(data).length === 1 && data[key] === pem && (metadata.annotations?.[description] ?? '') !== ''
