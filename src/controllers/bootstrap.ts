// What every cluster has from its first second: namespaces, the system's priority classes, the API server's Service.
import { Namespace } from '../api/core/namespace.ts'
import { Service } from '../api/core/service.ts'
import type { AnyKind, ObjectOf } from '../api/kind.ts'
import { systemNamespace } from '../api/polypod/node-handler.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { isAlreadyExists } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'

export interface BootstrapOptions {
  /** The API server's own, which Service default/kubernetes leads to. */
  port: number
  clock?: Clock | undefined
}

export const kubernetesServiceIP = '10.96.0.1'

const namespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease', systemNamespace]

const priorityClasses = [
  {
    name: 'system-node-critical',
    value: 2_000_001_000,
    description: 'Used for system critical pods that must not be moved from their current node.',
  },
  {
    name: 'system-cluster-critical',
    value: 2_000_000_000,
    description: 'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  },
]

/** Makes what is missing, at once; what is there stays as it is, but for the port of the Service. Safe to call at every start. */
export async function bootstrap(client: Client, { port }: BootstrapOptions): Promise<void> {
  const classes = priorityClasses.map(({ name, ...fields }) => objectOf(PriorityClass, { metadata: { name }, ...fields }))
  await Promise.all([
    ...namespaces.map((name) => ensure(client, Namespace, objectOf(Namespace, { metadata: { name } }))),
    ...classes.map((priorityClass) => ensure(client, PriorityClass, priorityClass)),
  ])
  await ensureService(client, port)
}

async function ensureService(client: Client, targetPort: number): Promise<void> {
  const wanted = objectOf(Service, {
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: kubernetesServiceIP,
      clusterIPs: [kubernetesServiceIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort }],
    },
  })
  if (await ensure(client, Service, wanted)) return
  const present = await client.get(Service, wanted.metadata)
  if (present.spec.ports?.[0]?.targetPort === targetPort) return
  await client.update(Service, { ...present, spec: { ...present.spec, ports: wanted.spec.ports } })
}

const objectOf = <K extends AnyKind>(kind: K, fields: Record<string, unknown>): ObjectOf<K> =>
  kind.decode(fields, { unknown: [] }) as ObjectOf<K>

/** False when it was there before. */
async function ensure<K extends AnyKind>(client: Client, kind: K, object: ObjectOf<K>): Promise<boolean> {
  try {
    await client.create(kind, object)
    return true
  } catch (error) {
    if (isAlreadyExists(error)) return false
    throw error
  }
}
