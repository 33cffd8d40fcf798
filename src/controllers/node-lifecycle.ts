// Nodes nobody hears of become Unknown, conditions become taints, and Pods of a node that is not ready are not ready either.
import { Lease } from '../api/coordination/lease.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { unlessNotFound } from '../api/status.ts'
import { rfc3339 } from '../lib/clock.ts'
import { type Again, type Controller, watching, type World } from './controller.ts'
import { readyOf, silenced, tainted } from './node-health.ts'

// k8s: as kube-controller-manager holds them
const graceMs = 40_000
const startupGraceMs = 60_000
/** Waking up this much too late means that this process did not run, and heard nobody. */
const oversleptMs = 10_000
const leases = 'kube-node-lease'

/** What is remembered of a node. Ages are counted from when this controller heard, as clocks of nodes may differ. */
interface Heard {
  uid: string | undefined
  /** Lease and heartbeat as they were last. */
  beat: string
  atMs: number
  /** As it was when its Pods were last looked at. */
  ready: string | undefined
}

export function nodeLifecycle(): Controller {
  const heard = new Map<string, Heard>()
  return {
    name: 'node-lifecycle',
    component: 'node-controller',
    watches: [
      watching(Node),
      watching(Lease, ({ object }) => [{ name: object.metadata.name }], { namespace: leases }),
      watching(Pod, () => []),
    ],
    async reconcile({ name }, world) {
      const node = world.mirrored(Node).get({ name })
      if (node) return judge(node, listen(node, heard, world), world)
      heard.delete(name)
      return undefined
    },
  }
}

/** Takes note of a sign of life. */
function listen(node: Node, heard: Map<string, Heard>, { clock, events, mirrored }: World): Heard {
  const { name, uid } = node.metadata
  const lease = mirrored(Lease).get({ namespace: leases, name })
  const ready = node.status.conditions?.find(({ type }) => type === 'Ready')
  const beat = JSON.stringify([lease?.spec.renewTime, ready?.lastHeartbeatTime])
  let known = heard.get(name)
  if (known?.uid !== uid) known = undefined
  if (!known) {
    known = { uid, beat, atMs: clock.now(), ready: undefined }
    heard.set(name, known)
    events.event(node, 'Normal', 'RegisteredNode', `Node ${name} event: Registered Node ${name} in Controller`)
  } else if (known.beat !== beat) {
    known.beat = beat
    known.atMs = clock.now()
  }
  return known
}

async function judge(node: Node, heard: Heard, world: World): Promise<Again | undefined> {
  const { client, clock } = world
  const deadlineMs = deadlineOf(node, heard, clock.now())
  const late = clock.now() > deadlineMs
  let now = late ? silenced(node, clock.now()) : node
  if (now !== node) now = await client.update(Node, now, { subresource: 'status' })
  const withTaints = tainted(now, clock.now())
  if (withTaints !== now) now = await client.update(Node, withTaints)
  const ready = readyOf(now)
  if (ready !== undefined && ready !== heard.ready) {
    if (ready !== 'True') await markPods(now, heard.ready, world)
    heard.ready = ready
  }
  return late ? undefined : { againMs: deadlineMs - clock.now() + 1 }
}

/** Until when a node may be silent. May give a node more time, where the silence was our own. */
function deadlineOf(node: Node, heard: Heard, nowMs: number): number {
  const ready = readyOf(node)
  // k8s: a node that never said anything has more time, from its creation
  if (ready === undefined) return Date.parse(node.metadata.creationTimestamp ?? '') + startupGraceMs
  // a laptop that slept must not find all of its Pods unready
  if (ready !== 'Unknown' && nowMs > heard.atMs + graceMs + oversleptMs) heard.atMs = nowMs
  return heard.atMs + graceMs
}

/** k8s: once, when the node stops being ready; what its kubelet says of Pods afterwards counts again. */
async function markPods(node: Node, before: string | undefined, { client, clock, events, mirrored }: World): Promise<void> {
  const { name } = node.metadata
  if (before === 'True') events.event(node, 'Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`)
  const pods = mirrored(Pod).list()
  for (const pod of pods) {
    if (pod.spec.nodeName !== name || !isReady(pod)) continue
    events.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready')
    const lastTransitionTime = rfc3339(clock.now())
    const conditions = pod.status.conditions?.map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'False', lastTransitionTime } : condition,
    )
    const told = { ...pod, status: { ...pod.status, conditions } }
    await client.update(Pod, told, { subresource: 'status' }).catch(unlessNotFound)
  }
}

const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True') ?? false
