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
    const present = mirrored(ConfigMap).get({ namespace, name })
    if (!present) await createInNamespace(client, ConfigMap, mapOf(namespace, pem))
    else if (!isRight(present, pem)) await client.update(ConfigMap, repaired(present, pem))
    return undefined
  },
})

const mapOf = (namespace: string, pem: string): ConfigMap => ({
  kind: ConfigMap.kind,
  apiVersion: ConfigMap.apiVersion,
  metadata: { name, namespace, annotations: { [description]: describes } },
  data: { [key]: pem },
})

const repaired = (present: ConfigMap, pem: string): ConfigMap => ({
  ...present,
  metadata: { ...present.metadata, annotations: { ...present.metadata.annotations, [description]: describes } },
  data: { [key]: pem },
})

/** k8s: any description will do, the data must be exactly ours. */
const isRight = ({ data = {}, metadata }: ConfigMap, pem: string): boolean =>
  Object.keys(data).length === 1 && data[key] === pem && (metadata.annotations?.[description] ?? '') !== ''
