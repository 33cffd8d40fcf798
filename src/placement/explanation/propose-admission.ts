// What could be done about a create that is refused: every quota, range and class that is in its way, whatever the words of the refusal.
import { LimitRange, type LimitRangeItem } from '../../api/core/limit-range.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { Pod } from '../../api/core/pod.ts'
import { ResourceQuota } from '../../api/core/resource-quota.ts'
import { ServiceAccount } from '../../api/core/service-account.ts'
import type { AnyKind, AnyObject } from '../../api/kind.ts'
import { own } from '../../api/own.ts'
import { nanoOf } from '../../api/quantity.ts'
import { PriorityClass } from '../../api/scheduling/priority-class.ts'
import type { Status } from '../../api/status.ts'
import { amountText } from '../../ledger/amounts.ts'
import { isMatched, ownsResource, quotaUsage, usageText } from '../../ledger/quota-usage.ts'
import { asWritten } from './as-written.ts'
import { type Operation, pointer, podStep, shellQuoted, type Step } from './change.ts'
import { allOf, classOf, type Facts, find, namespaceOf } from './facts.ts'
import { missingClass, otherClasses } from './propose-class.ts'
import { type Excess, lowerRequests } from './propose-requests.ts'
import { similarTo } from './similar.ts'

export function proposeForAdmission(facts: Facts, { code, reason }: Status): Step[] {
  if (reason === 'AlreadyExists') return renamed(facts)
  // what cannot be read, nobody can mend but its author
  if (code !== 403 && code !== 404) return []
  return [
    ...namespaces(facts),
    ...accounts(facts),
    ...priorities(facts),
    ...ranges(facts),
    ...quotas(facts),
    ...missingClass(facts),
    ...againstClass(facts),
    ...otherClasses(facts),
  ]
}

function renamed(facts: Facts): Step[] {
  const { name } = facts.pod.metadata
  const namespace = namespaceOf(facts.pod)
  let next = 2
  while (find(facts, Pod, { namespace, name: `${name}-${next}` })) next += 1
  const value = `${name}-${next}`
  return [podStep(facts, { summary: `name it ${value}`, patch: [{ op: 'replace', path: '/metadata/name', value }] })]
}

const creation = (kind: AnyKind, metadata: { name: string; namespace?: string }, rest: object = {}): Step => ({
  ...{ summary: `create ${kind.kind} ${metadata.name}`, kind, ...metadata, cost: 2 },
  object: { apiVersion: kind.apiVersion, kind: kind.kind, metadata, ...rest } as AnyObject,
})

function namespaces(facts: Facts): Step[] {
  const name = namespaceOf(facts.pod)
  if (find(facts, Namespace, { name })) return []
  return [{ ...creation(Namespace, { name }), command: `kubectl create namespace ${name}` }]
}

function accounts(facts: Facts): Step[] {
  const { serviceAccountName: name } = asWritten(facts).spec
  const namespace = namespaceOf(facts.pod)
  if (name === undefined || find(facts, ServiceAccount, { namespace, name })) return []
  const names = allOf(facts, ServiceAccount).map(({ metadata }) => metadata.name)
  const path = pointer('spec', 'serviceAccountName')
  const others = [...similarTo(name, names), 'default'].filter((one, i, all) => all.indexOf(one) === i)
  return [
    { ...creation(ServiceAccount, { name, namespace }), command: `kubectl create serviceaccount ${name} -n ${namespace}` },
    ...others.map((value, i) =>
      podStep(facts, {
        summary: `use ServiceAccount ${value} instead of ${name}`,
        // k8s: the old and the new name of the field have to agree
        patch: [
          { op: 'add', path, value },
          { op: 'add', path: pointer('spec', 'serviceAccount'), value },
        ],
        cost: 0.5 + i * 0.1,
      }),
    ),
  ]
}

function priorities(facts: Facts): Step[] {
  const { priorityClassName: name, priority } = asWritten(facts).spec
  const steps: Step[] = []
  if (priority !== undefined && !facts.isCreated)
    steps.push(podStep(facts, { summary: 'remove priority', patch: [{ op: 'remove', path: '/spec/priority' }] }))
  if (name === undefined || find(facts, PriorityClass, { name })) return steps
  const path = pointer('spec', 'priorityClassName')
  const names = allOf(facts, PriorityClass).map(({ metadata }) => metadata.name)
  return [
    ...steps,
    ...similarTo(name, names).map((value) =>
      podStep(facts, { summary: `use PriorityClass ${value} instead of ${name}`, patch: [{ op: 'replace', path, value }] }),
    ),
    podStep(facts, { summary: `remove priorityClassName: ${name}`, patch: [{ op: 'remove', path }], cost: 0.5 }),
    {
      ...creation(PriorityClass, { name }, { value: 0 }),
      summary: `create PriorityClass ${name} (with value 0, or the one it should have)`,
      command: `kubectl create priorityclass ${name} --value=0`,
    },
  ]
}

/** What contradicts the class that the Pod names. */
function againstClass(facts: Facts): Step[] {
  const written = asWritten(facts)
  const demanded = classOf(facts, written)?.scheduling?.nodeSelector ?? {}
  const conflicting = Object.entries(written.spec.nodeSelector ?? {}).filter(
    ([key, value]) => (own(demanded, key) ?? value) !== value,
  )
  return [
    ...(written.spec.overhead && !facts.isCreated
      ? [podStep(facts, { summary: 'remove overhead', patch: [{ op: 'remove', path: '/spec/overhead' }] })]
      : []),
    ...conflicting.map(([key, value]) =>
      podStep(facts, {
        summary: `remove ${key}=${value} from nodeSelector`,
        patch: [{ op: 'remove', path: pointer('spec', 'nodeSelector', key) }],
      }),
    ),
  ]
}

/** Containers brought within what LimitRanges allow. */
function ranges(facts: Facts): Step[] {
  const items = allOf(facts, LimitRange)
    .filter(({ metadata }) => metadata.namespace === namespaceOf(facts.pod))
    .flatMap(({ spec }) => spec.limits.filter(({ type }) => type === 'Container'))
  const said: string[] = []
  const patch = asWritten(facts).spec.containers.flatMap(({ name, resources }, at): Operation[] => {
    const next = items.reduce(within, { ...resources })
    if (JSON.stringify(next) === JSON.stringify(resources)) return []
    said.push(`container "${name}" ${resourcesText(next)}`)
    return [{ op: 'add', path: pointer('spec', 'containers', at, 'resources'), value: next }]
  })
  return patch.length === 0 ? [] : [podStep(facts, { summary: `give ${said.join(', ')}`, patch })]
}

interface Resources {
  requests?: Record<string, string> | undefined
  limits?: Record<string, string> | undefined
}

const resourcesText = ({ requests = {}, limits = {} }: Resources): string => {
  const list = (all: Record<string, string>) => Object.entries(all).map(([name, amount]) => `${name} ${amount}`)
  const parts = [['requests of', list(requests)] as const, ['limits of', list(limits)] as const]
  return parts.flatMap(([word, texts]) => (texts.length === 0 ? [] : [`${word} ${texts.join(', ')}`])).join(' and ')
}

function within(resources: Resources, { min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem): Resources {
  const requests = { ...resources.requests }
  const limits = { ...resources.limits }
  for (const [resource, bound] of Object.entries(max))
    for (const side of [requests, limits])
      if (own(side, resource) !== undefined && nanoOf(side[resource] ?? '0') > nanoOf(bound)) side[resource] = bound
  for (const [resource, bound] of Object.entries(min))
    for (const side of [requests, limits])
      if (own(side, resource) !== undefined && nanoOf(side[resource] ?? '0') < nanoOf(bound)) side[resource] = bound
  for (const [resource, bound] of Object.entries(maxLimitRequestRatio)) {
    const [limit, request] = [nanoOf(limits[resource] ?? '0'), nanoOf(requests[resource] ?? '0')]
    const least = (limit * 1_000_000_000n) / nanoOf(bound)
    if (limit > 0n && request < least) requests[resource] = amountText(resource, roundedUp(resource, least))
  }
  const isEmpty = (list: object) => Object.keys(list).length === 0
  return { ...resources, ...(isEmpty(requests) ? {} : { requests }), ...(isEmpty(limits) ? {} : { limits }) }
}

function roundedUp(resource: string, nano: bigint): bigint {
  const size = resource === 'cpu' ? 1_000_000n : 1_000_000_000n
  return ((nano + size - 1n) / size) * size
}

/** More quota, smaller requests, or requests where a quota demands that they are said. */
function quotas(facts: Facts): Step[] {
  const charged = chargedBy(facts)
  const namespace = namespaceOf(facts.pod)
  const raised = charged.flatMap(({ quota, exceeded }) => {
    if (exceeded.length === 0) return []
    const { name } = quota.metadata
    const texts = exceeded.map(({ resource, after }) => `${resource} to ${usageText(resource, after)}`)
    const patch = exceeded.map(({ resource, after }): Operation => {
      return { op: 'add', path: pointer('spec', 'hard', resource), value: usageText(resource, after) }
    })
    const command = `kubectl patch resourcequota ${name} -n ${namespace} --type json -p ${shellQuoted(JSON.stringify(patch))}`
    const summary = `raise quota ${name}: ${texts.join(', ')}`
    return [{ summary, kind: ResourceQuota, name, namespace, patch, command, cost: 2.5 }]
  })
  const excesses = charged.flatMap(({ exceeded }) => exceeded.flatMap(({ excess }) => excess ?? []))
  const countable = charged.every(({ exceeded }) => exceeded.every(({ excess }) => excess !== undefined))
  const lower = countable && excesses.length > 0 ? lowerRequests(facts, largestOf(excesses)) : undefined
  return [...raised, ...(lower ? [lower] : []), ...declared(facts)]
}

function chargedBy(facts: Facts) {
  const pod = asWritten(facts)
  const full = { ...pod, spec: { ...pod.spec, overhead: pod.spec.overhead ?? classOf(facts, pod)?.overhead?.podFixed } }
  const asked = quotaUsage(Pod, full as AnyObject, facts.nowMs)
  return quotasOf(facts).map((quota) => {
    const { hard = {}, used = {} } = quota.status
    if (!isMatched(Pod, full as AnyObject, { spec: quota.spec, hard })) return { quota, exceeded: [] }
    const owned = Object.keys(hard).filter((resource) => ownsResource(Pod, resource) && asked.has(resource))
    const exceeded = owned.flatMap((resource) => {
      const after = nanoOf(own(used, resource) ?? '0') + (asked.get(resource) ?? 0n)
      const by = after - nanoOf(hard[resource] ?? '0')
      return by > 0n ? [{ resource, after, excess: excessOf(resource, by) }] : []
    })
    return { quota, exceeded }
  })
}

const quotasOf = (facts: Facts): readonly ResourceQuota[] =>
  allOf(facts, ResourceQuota).filter(({ metadata }) => metadata.namespace === namespaceOf(facts.pod))

/** Undefined for what no container can ask less of. */
function excessOf(resource: string, by: bigint): Excess | undefined {
  if (resource === 'pods' || resource.startsWith('count/')) return undefined
  const [, side, name = resource] = /^(requests|limits)\.(.*)$/.exec(resource) ?? []
  return { resource: name, side: side === 'limits' ? 'limits' : 'requests', by }
}

function largestOf(excesses: readonly Excess[]): Excess[] {
  const byKey = new Map<string, Excess>()
  for (const one of excesses) {
    const key = `${one.side} ${one.resource}`
    if (one.by > (byKey.get(key)?.by ?? 0n)) byKey.set(key, one)
  }
  return [...byKey.values()]
}

/** Small amounts to begin with, where nothing is said. */
const modest: Record<string, string> = { cpu: '100m', memory: '128Mi', 'ephemeral-storage': '1Gi' }

function declared(facts: Facts): Step[] {
  const wanted = quotasOf(facts).flatMap(({ status }) => Object.keys(status.hard ?? {}))
  const said: string[] = []
  const patch = asWritten(facts).spec.containers.flatMap(({ name, resources }, at): Operation[] => {
    const next: Resources = { ...resources }
    for (const word of wanted) {
      const { resource = '', side = 'requests' } = excessOf(word, 0n) ?? {}
      const amount = modest[resource]
      if (amount === undefined || own(next[side], resource) !== undefined) continue
      next[side] = { ...next[side], [resource]: own(next.limits, resource) ?? own(next.requests, resource) ?? amount }
    }
    if (JSON.stringify(next) === JSON.stringify(resources)) return []
    said.push(`container "${name}" ${resourcesText(next)}`)
    return [{ op: 'add', path: pointer('spec', 'containers', at, 'resources'), value: next }]
  })
  if (patch.length === 0) return []
  return [podStep(facts, { summary: `give ${said.join(', ')} (or what it really needs)`, patch })]
}
