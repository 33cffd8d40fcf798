// The ledger checks itself: what scheduler, kubelets, quotas, cgroups and API each count, side by side, and whose objects differ.
import type { Node } from '../api/core/node.ts'
import type { Pod } from '../api/core/pod.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import { nanoOf } from '../api/quantity.ts'
import { isCounted, resourceOrder } from './account.ts'
import { addTo, type Amounts, amounts, amountText, milliOf, unitsOf } from './amounts.ts'
import { podCgroup } from './cgroup.ts'
import { podLedger } from './pod-ledger.ts'
import { amountsText, classesByName, stalePods } from './stale-overhead.ts'

/** Resource to millicores of cpu, bytes or pieces of anything else; zero and absent are the same. */
export type Counts = Readonly<Record<string, number>>

/** What somebody counts on one node. */
export interface NodeCounts {
  node: string
  requested: Counts
  /** By uid. */
  pods: Readonly<Record<string, { name: string; requested: Counts }>>
}

export interface QuotaCounts {
  namespace: string
  name: string
  /** status.used, and the same computed anew; canonical quantities. Only resources of both are compared. */
  used: Readonly<Record<string, string>>
  computed: Readonly<Record<string, string>>
  /** By resource, of those that differ: `Pod default/web`, whatever uses some of it. */
  users: Readonly<Record<string, readonly string[]>>
}

/** What the files of one Pod's cgroup say; a value that is not limited is absent, or -1 for the quota. */
export interface CgroupCounts {
  uid: string
  cpuShares?: number | undefined
  cpuQuota?: number | undefined
  memoryLimitBytes?: number | undefined
}

export interface NodeCgroups {
  node: string
  pods: readonly CgroupCounts[]
  /** Whether the kernel could have made one of the other: cgroup v2 stores shares more coarsely. */
  sameShares(wanted: number, found: number): boolean
}

/** One moment of a cluster. What is absent is not compared. */
export interface LedgerFacts {
  pods: readonly Pod[]
  nodes: readonly Node[]
  classes: readonly RuntimeClass[]
  scheduler?: readonly NodeCounts[] | undefined
  /** Of the nodes whose kubelets were heard. */
  kubelets?: readonly NodeCounts[] | undefined
  quotas?: readonly QuotaCounts[] | undefined
  cgroups?: readonly NodeCgroups[] | undefined
}

export const disagreementKinds = [
  ...(['StaleOverhead', 'AllocatableExceeded', 'SchedulerDiffers', 'KubeletDiffers', 'QuotaDiffers'] as const),
  ...(['CgroupDiffers', 'CgroupMissing', 'CgroupUnknown'] as const),
] as const

export interface Disagreement {
  kind: (typeof disagreementKinds)[number]
  about: { kind: 'Node' | 'Namespace'; name: string }
  /** The resource, class, quota or file it is about. */
  what: string
  expected: string
  found: string
  /** The objects that cause it: `Pod default/web`, `RuntimeClass kata`. */
  causes: string[]
}

/** Everything that does not add up; empty for a healthy cluster. Pure; the order is stable. */
export function checkLedger(facts: LedgerFacts): Disagreement[] {
  const placed: Placed = { byNode: podsByNode(facts.pods), costs: new Map() }
  return [
    ...staleOverheads(facts),
    ...exceededNodes(facts, placed),
    ...schedulerDifferences(facts, placed),
    ...kubeletDifferences(facts, placed),
    ...quotaDifferences(facts),
    ...cgroupDifferences(facts, placed),
  ]
}

/** What several comparisons need of each Pod, found once. */
interface Placed {
  byNode: ReadonlyMap<string, readonly Pod[]>
  costs: Map<Pod, Cost>
}

interface Cost {
  total: Amounts
  counts: Counts
}

function costOf(pod: Pod, { costs }: Placed): Cost {
  let cost = costs.get(pod)
  if (!cost) {
    const { total } = podLedger(pod, 'requests')
    costs.set(pod, (cost = { total, counts: roundedUp(total) }))
  }
  return cost
}

/** One line for people. */
export function disagreementText({ kind, about, what, expected, found, causes }: Disagreement): string {
  return `${kind}: ${about.kind} ${about.name}: ${what}: expected ${expected}, found ${found} (${causes.join(', ')})`
}

/**
 * Of what was found `now`, what was there before as well, with the causes of both looks: in a cluster at work two answers are
 * never of the same moment, and what is under way differs each time. A quota is wrong by as much as before.
 */
export function lasting(before: readonly Disagreement[], now: readonly Disagreement[]): Disagreement[] {
  const known = new Map<string, Set<string>>()
  for (const one of before) known.set(keyOf(one), new Set([...(known.get(keyOf(one)) ?? []), ...one.causes]))
  return now.flatMap((one) => {
    const causes = one.causes.filter((cause) => known.get(keyOf(one))?.has(cause))
    return causes.length === 0 ? [] : [{ ...one, causes }]
  })
}

function keyOf({ kind, about, what, expected, found }: Disagreement): string {
  const gap = kind === 'QuotaDiffers' ? String(nanoOf(found) - nanoOf(expected)) : ''
  return JSON.stringify([kind, about, what, gap])
}

export const nameOfPod = ({ metadata }: Pod): string => `Pod ${metadata.namespace}/${metadata.name}`
const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''

/** One per namespace, class and overhead that is out of date. */
function staleOverheads({ pods, classes }: LedgerFacts): Disagreement[] {
  const found = new Map<string, Disagreement>()
  for (const { pod, has, declared } of stalePods(pods, classesByName(classes))) {
    const { namespace = '' } = pod.metadata
    const name = pod.spec.runtimeClassName ?? ''
    const key = JSON.stringify([namespace, name, amountsText(has)])
    const known = found.get(key)
    if (known) known.causes.push(nameOfPod(pod))
    else
      found.set(key, {
        ...{ kind: 'StaleOverhead', about: { kind: 'Namespace', name: namespace }, what: `overhead of RuntimeClass ${name}` },
        expected: declared === undefined ? 'none (the class is gone)' : amountsText(declared),
        found: amountsText(has),
        causes: [`RuntimeClass ${name}`, nameOfPod(pod)],
      })
  }
  return [...found.values()]
}

/** Pods of a node that are not over, by its name. */
export function podsByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const found = new Map<string, Pod[]>()
  for (const pod of pods) {
    const { nodeName } = pod.spec
    if (!nodeName || !isCounted(pod)) continue
    const here = found.get(nodeName)
    if (here) here.push(pod)
    else found.set(nodeName, [pod])
  }
  return found
}

function exceededNodes({ nodes }: LedgerFacts, placed: Placed): Disagreement[] {
  return nodes.flatMap((node) => {
    const here = placed.byNode.get(node.metadata.name) ?? []
    const total = new Map<string, bigint>([['pods', BigInt(here.length) * 1_000_000_000n]])
    for (const pod of here) addTo(total, costOf(pod, placed).total)
    const allocatable = amounts(node.status.allocatable)
    return resourceOrder([...total.keys()])
      .filter((name) => (total.get(name) ?? 0n) > (allocatable.get(name) ?? 0n))
      .map((name): Disagreement => {
        const asking = here.filter((pod) => name === 'pods' || (costOf(pod, placed).total.get(name) ?? 0n) > 0n)
        return {
          ...{ kind: 'AllocatableExceeded', about: { kind: 'Node', name: node.metadata.name }, what: name },
          expected: `at most ${amountText(name, allocatable.get(name) ?? 0n)}`,
          found: amountText(name, total.get(name) ?? 0n),
          causes: asking.map(nameOfPod),
        }
      })
  })
}

/** What the ledger says a Pod counts for, rounded up per Pod as the scheduler does. */
export const countsOf = (pod: Pod): Counts => roundedUp(podLedger(pod, 'requests').total)

function roundedUp(total: Amounts): Counts {
  const entries = [...total].filter(([name]) => name !== 'pods')
  return Object.fromEntries(entries.map(([name, nano]) => [name, name === 'cpu' ? milliOf(nano) : unitsOf(nano)]))
}

function schedulerDifferences({ nodes, scheduler }: LedgerFacts, placed: Placed): Disagreement[] {
  if (!scheduler) return []
  const views = new Map(scheduler.map((view) => [view.node, view]))
  return nodes.flatMap(({ metadata: { name: node } }) => {
    const view = views.get(node) ?? { node, requested: {}, pods: {} }
    return nodeDifferences('SchedulerDiffers', placed.byNode.get(node) ?? [], view, placed)
  })
}

function kubeletDifferences({ pods, kubelets = [] }: LedgerFacts, placed: Placed): Disagreement[] {
  // one that has just been bound may wait to be let in; one that goes is given up by its kubelet sooner or later
  const isGoing = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined
  const going = new Set(pods.filter(isGoing).map(uidOf))
  return kubelets.flatMap((view) => {
    const here = (placed.byNode.get(view.node) ?? []).filter((pod) => !isGoing(pod))
    return nodeDifferences('KubeletDiffers', here, without(view, going), placed)
  })
}

function without(view: NodeCounts, uids: ReadonlySet<string>): NodeCounts {
  const { node, requested, pods } = view
  if (!Object.keys(pods).some((uid) => uids.has(uid))) return view
  const left = { ...requested }
  for (const [uid, pod] of Object.entries(pods))
    if (uids.has(uid)) for (const [name, count] of Object.entries(pod.requested)) left[name] = (left[name] ?? 0) - count
  return { node, requested: left, pods: Object.fromEntries(Object.entries(pods).filter(([uid]) => !uids.has(uid))) }
}

function nodeDifferences(
  kind: 'SchedulerDiffers' | 'KubeletDiffers',
  here: readonly Pod[],
  view: NodeCounts,
  placed: Placed,
): Disagreement[] {
  if (agrees(here, view, placed)) return []
  const wanted = new Map(here.map((pod) => [uidOf(pod), { name: nameOfPod(pod), requested: costOf(pod, placed).counts }]))
  const total: Record<string, number> = {}
  for (const { requested } of wanted.values())
    for (const [name, count] of Object.entries(requested)) total[name] = (total[name] ?? 0) + count
  const count = (list: Counts | undefined, name: string) => list?.[name] ?? 0
  const differing = (name: string): string[] => {
    const uids = [...new Set([...wanted.keys(), ...Object.keys(view.pods)])]
    const odd = uids.filter((uid) => count(wanted.get(uid)?.requested, name) !== count(view.pods[uid]?.requested, name))
    return odd.map((uid) => wanted.get(uid)?.name ?? view.pods[uid]?.name ?? uid)
  }
  const about = { kind: 'Node', name: view.node } as const
  const text = (name: string, value: number) => (name === 'cpu' ? `${value}m` : String(value))
  const sums = resourceOrder([...new Set([...Object.keys(total), ...Object.keys(view.requested)])])
    .filter((name) => count(total, name) !== count(view.requested, name))
    .map((name): Disagreement => {
      const causes = differing(name)
      return {
        ...{ kind, about, what: name },
        ...{ expected: text(name, count(total, name)), found: text(name, count(view.requested, name)) },
        causes: causes.length > 0 ? causes : [`the sum the ${keepers[kind]} keeps, not one Pod of it`],
      }
    })
  const strangers = Object.keys(view.pods).filter((uid) => !wanted.has(uid))
  const unseen = [...wanted.keys()].filter((uid) => !(uid in view.pods))
  if (strangers.length + unseen.length === 0) return sums
  const names = [...strangers.map((uid) => view.pods[uid]?.name ?? uid), ...unseen.map((uid) => wanted.get(uid)?.name ?? uid)]
  const counted = { expected: String(wanted.size), found: String(Object.keys(view.pods).length) }
  return [...sums, { kind, about, what: 'pods', ...counted, causes: names }]
}

/** cost: once for every Pod of a cluster, nearly always with nothing to tell. */
function agrees(here: readonly Pod[], { requested, pods }: NodeCounts, placed: Placed): boolean {
  if (Object.keys(pods).length !== here.length) return false
  const left: Record<string, number> = { ...requested }
  for (const pod of here) {
    const seen = pods[uidOf(pod)]?.requested
    const { counts } = costOf(pod, placed)
    if (!seen) return false
    for (const name in counts) if ((seen[name] ?? 0) !== counts[name]) return false
    for (const name in seen) if (seen[name] !== (counts[name] ?? 0)) return false
    for (const name in counts) left[name] = (left[name] ?? 0) - (counts[name] ?? 0)
  }
  return Object.values(left).every((count) => count === 0)
}

const keepers = { SchedulerDiffers: 'scheduler', KubeletDiffers: 'kubelet' } as const

function quotaDifferences({ quotas = [] }: LedgerFacts): Disagreement[] {
  return quotas.flatMap(({ namespace, name, used, computed, users }) =>
    resourceOrder(Object.keys(used).filter((resource) => resource in computed))
      .filter((resource) => amounts(used).get(resource) !== amounts(computed).get(resource))
      .map(
        (resource): Disagreement => ({
          ...{
            kind: 'QuotaDiffers',
            about: { kind: 'Namespace', name: namespace },
            what: `${resource} of ResourceQuota ${name}`,
          },
          ...{ expected: computed[resource] ?? '', found: used[resource] ?? '' },
          causes: [`ResourceQuota ${namespace}/${name}`, ...(users[resource] ?? [])],
        }),
      ),
  )
}

function cgroupDifferences({ pods, cgroups = [] }: LedgerFacts, { byNode }: Placed): Disagreement[] {
  return cgroups.flatMap((files) => {
    const known = new Map(pods.map((pod) => [uidOf(pod), pod]))
    const found = new Map(files.pods.map((values) => [values.uid, values]))
    const about = { kind: 'Node', name: files.node } as const
    const unknown = files.pods
      .filter(({ uid }) => !known.has(uid))
      .map(({ uid }): Disagreement => {
        const what = `cgroup pod${uid}`
        return { kind: 'CgroupUnknown', about, what, expected: 'no cgroup', found: 'a cgroup', causes: [`cgroup pod${uid}`] }
      })
    const here = byNode.get(files.node) ?? []
    // one that has just been bound has no sandbox yet; one that goes may have lost it
    const running = here.filter(({ status, metadata }) => status.phase === 'Running' && metadata.deletionTimestamp === undefined)
    return [...unknown, ...running.flatMap((pod) => podDifferences(pod, files, found.get(uidOf(pod))))]
  })
}

function podDifferences(pod: Pod, files: NodeCgroups, found: CgroupCounts | undefined): Disagreement[] {
  const about = { kind: 'Node', name: files.node } as const
  const causes = [nameOfPod(pod)]
  if (!found)
    return [{ kind: 'CgroupMissing', about, what: `cgroup pod${uidOf(pod)}`, expected: 'a cgroup', found: 'none', causes }]
  const wanted = podCgroup(pod)
  const rows: [what: string, wanted: number | undefined, found: number | undefined, same: boolean][] = [
    // a machine without the cpu controller limits nothing, and has said so
    [
      'cpu shares',
      wanted.cpuShares,
      found.cpuShares,
      found.cpuShares === undefined || files.sameShares(wanted.cpuShares, found.cpuShares),
    ],
    ['cpu quota', limit(wanted.cpuQuota), limit(found.cpuQuota), limit(wanted.cpuQuota) === limit(found.cpuQuota)],
    [
      'memory limit',
      limit(wanted.memoryLimitBytes),
      limit(found.memoryLimitBytes),
      samePages(wanted.memoryLimitBytes, found.memoryLimitBytes),
    ],
  ]
  return rows
    .filter(([, , , same]) => !same)
    .map(([what, expected, value]): Disagreement => {
      const text = (amount: number | undefined) => (amount === undefined ? 'unlimited' : String(amount))
      return {
        kind: 'CgroupDiffers',
        about,
        what: `${what} of ${nameOfPod(pod)}`,
        expected: text(expected),
        found: text(value),
        causes,
      }
    })
}

const limit = (value: number | undefined): number | undefined => (value === undefined || value <= 0 ? undefined : value)

/** The kernel keeps memory limits in whole pages, cut down. */
const pageBytes = 4096
function samePages(wanted: number | undefined, found: number | undefined): boolean {
  const pages = (bytes: number | undefined) => (limit(bytes) === undefined ? undefined : Math.floor((bytes ?? 0) / pageBytes))
  return pages(wanted) === pages(found)
}
