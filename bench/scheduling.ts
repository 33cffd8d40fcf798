// How fast Pods get nodes through the API: created over HTTPS by many at once, decided, bound and seen by a watch, all of it stored durably.
import { Lease } from '../src/api/coordination/lease.ts'
import { Node } from '../src/api/core/node.ts'
import { Pod } from '../src/api/core/pod.ts'
import type { AnyKind, ObjectOf } from '../src/api/kind.ts'
import { RuntimeClass } from '../src/api/node/runtime-class.ts'
import { isNotFound } from '../src/api/status.ts'
import type { Client } from '../src/client/client.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { median, percentile } from '../src/lib/statistics.ts'
import { createAndWatch, forAll, removePods } from '../src/testing/watch-pods.ts'

export interface SchedulingBenchOptions {
  /** Only read and written through this: any Kubernetes will do. Its own nodes get none of the Pods. */
  kubeconfig: string
  nodes?: readonly number[] | undefined
  pods?: number | undefined
}

interface Row {
  nodes: number
  pods: number
  /** From the first create to the last binding. */
  seconds: number
  podsPerSecond: number
  /** Pods bound in each whole second of the run: what the slowest and the middle one did. */
  slowestSecond: number
  medianSecond: number
}

const namespace = 'default'
const label = 'bench'
const where = { namespace, labelSelector: `${label}=scheduling` }
/** Requests under way at most. */
const atOnce = 128

export async function run({ kubeconfig, nodes = [100, 1000, 5000], pods = 10_000 }: SchedulingBenchOptions): Promise<Row[]> {
  const client = await clientFromKubeconfig(kubeconfig)
  try {
    const rows: Row[] = []
    for (const count of nodes) rows.push(await measure(client, count, pods))
    return rows
  } finally {
    await client.close()
  }
}

async function measure(client: Client, nodes: number, pods: number): Promise<Row> {
  const classes = ['runc', 'kata'].map(classOf)
  const names = Array.from({ length: nodes }, (_, i) => `bench-${i}`)
  try {
    await Promise.all(classes.map((one) => client.create(RuntimeClass, one)))
    await forAll(names, atOnce, async (name, i) => {
      await client.create(Node, nodeOf(name, i))
      await client.create(Lease, leaseOf(name))
    })
    const made = Array.from({ length: pods }, (_, i) => podOf(i))
    const until = ({ spec }: Pod) => spec.nodeName !== undefined && spec.nodeName !== ''
    const boundAt = await createAndWatch(client, made, { where, atOnce, until })
    return rowOf(boundAt, { nodes, pods })
  } finally {
    await removePods(client, where)
    await forAll(names, atOnce, async (name) => {
      await remove(client, Node, { name })
      await remove(client, Lease, { name, namespace: leases })
    })
    await Promise.all(classes.map(({ metadata }) => remove(client, RuntimeClass, metadata)))
  }
}

function rowOf(boundAt: readonly number[], { nodes, pods }: Pick<Row, 'nodes' | 'pods'>): Row {
  const seconds = (boundAt.at(-1) ?? 0) / 1000
  const whole = Array.from({ length: Math.floor(seconds) }, (_, s) => boundAt.filter((ms) => Math.floor(ms / 1000) === s).length)
  return {
    ...{ nodes, pods, seconds: Math.round(seconds * 100) / 100, podsPerSecond: Math.round(pods / seconds) },
    slowestSecond: percentile(whole, 0),
    medianSecond: median(whole),
  }
}

async function remove(client: Client, kind: AnyKind, ref: { name: string; namespace?: string | undefined }): Promise<void> {
  await client.delete(kind, ref).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
  })
}

const leases = 'kube-node-lease'
// defaults and status are the server's to fill in
const sent = <K extends AnyKind>(_: K, object: object) => object as ObjectOf<K>

const classOf = (handler: string): RuntimeClass =>
  sent(RuntimeClass, {
    ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: `bench-${handler}` }, handler },
    ...(handler === 'kata' ? { overhead: { podFixed: { cpu: '250m', memory: '160Mi' } } } : {}),
  })

/** Three zones, and in each a third of the nodes has Kata. */
function nodeOf(name: string, i: number): Node {
  const amounts = { cpu: '64', memory: '256Gi', pods: '250' }
  const now = new Date().toISOString()
  const ready = { type: 'Ready', status: 'True', reason: 'KubeletReady', lastHeartbeatTime: now, lastTransitionTime: now }
  const handlers = Math.floor(i / 3) % 3 === 0 ? ['', 'runc', 'kata'] : ['', 'runc']
  return sent(Node, {
    ...{ apiVersion: 'v1', kind: 'Node' },
    metadata: { name, labels: { [label]: 'scheduling', 'topology.kubernetes.io/zone': `zone-${i % 3}` } },
    status: {
      ...{ allocatable: amounts, capacity: amounts, conditions: [ready] },
      runtimeHandlers: handlers.map((handler) => ({ name: handler })),
    },
  })
}

const leaseOf = (name: string): Lease =>
  sent(Lease, {
    ...{ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name, namespace: leases } },
    spec: { holderIdentity: name, leaseDurationSeconds: 3600, renewTime: new Date().toISOString().replace('Z', '000Z') },
  })

const requests = [
  { cpu: '250m', memory: '256Mi' },
  { cpu: '500m', memory: '1Gi' },
  { cpu: '100m', memory: '64Mi' },
]

/** No class, runc and kata by turns; one in four wants a zone. */
function podOf(i: number): Pod {
  const runtimeClassName = [undefined, 'bench-runc', 'bench-kata'][i % 3]
  const zone = i % 4 === 0 ? { 'topology.kubernetes.io/zone': `zone-${i % 3}` } : {}
  return sent(Pod, {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: { name: `bench-${i}`, namespace, labels: { [label]: 'scheduling' } },
    spec: {
      runtimeClassName,
      nodeSelector: { [label]: 'scheduling', ...zone },
      // the nodes have no kubelet: nothing may wait for them to be Ready again
      tolerations: [{ operator: 'Exists' }],
      containers: [{ name: 'main', image: 'busybox', resources: { requests: requests[i % requests.length] } }],
    },
  })
}
