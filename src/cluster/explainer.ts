// Explains Pods of this cluster: brings together what the API server has, what admission says, and the rules of placement.
import { type AdmissionRequest, approved, mutated, type Plugin, type Reader, type User } from '../admission/chain.ts'
import { defaultPlugins } from '../admission/default-plugins.ts'
import { serviceAccount, serviceAccountWith } from '../admission/service-account.ts'
import { ConfigMap } from '../api/core/config-map.ts'
import { Event } from '../api/core/event.ts'
import { LimitRange } from '../api/core/limit-range.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { Secret } from '../api/core/secret.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { PodDisruptionBudget } from '../api/policy/pod-disruption-budget.ts'
import { PodExplanation } from '../api/polypod/pod-explanation.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { alreadyExists, invalidObject, statusOf } from '../api/status.ts'
import { validateCreate } from '../api/validate.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'
import { groupBy } from '../lib/group-by.ts'
import { explain } from '../placement/explanation/explanation.ts'
import { type Admit, type Facts, find } from '../placement/explanation/facts.ts'
import { observedOf } from '../placement/explanation/observed.ts'
import type { Profile } from '../placement/profile.ts'
import type { Explainer } from '../server/explanations.ts'

export interface ExplainerOptions {
  client: Client
  clock: Clock
  /** What the scheduler goes by. */
  profile: Profile
  /** Default default-scheduler. */
  schedulerName?: string | undefined
}

const everywhere: readonly AnyKind[] = [Namespace, Node, Pod, RuntimeClass, PriorityClass, PodDisruptionBudget]
const inNamespace: readonly AnyKind[] = [ResourceQuota, LimitRange, ServiceAccount, ConfigMap, Secret]

export function explainer(options: ExplainerOptions): Explainer {
  return {
    stored: (pods) => explainStored(options, pods),
    async manifest(pod, user) {
      const objects = await objectsOf(options.client, pod.metadata.namespace)
      return answer(pod, await explain(factsOf(options, pod, objects), { pause, admit: admitAs(user) }))
    },
  }
}

const apiServer: User = { name: 'system:apiserver', groups: ['system:masters'] }
/** Of a list: changes are looked for until so many Pods were in need of one. */
const mostWithChanges = 100

async function explainStored(options: ExplainerOptions, pods: readonly Pod[]): Promise<PodExplanation[]> {
  const [objects, events] = await Promise.all([objectsOf(options.client, namespaceOf(pods)), eventsOf(options.client, pods)])
  const explained: PodExplanation[] = []
  let left = mostWithChanges
  for (const pod of pods) {
    const observed = observedOf(pod, events.get(pod.metadata.uid ?? '') ?? [])
    const facts = { ...factsOf(options, pod, objects), isCreated: true, observed }
    const status = await explain(facts, { pause, admit: admitAs(apiServer), causesOnly: left <= 0 })
    if (status.causes) left -= 1
    explained.push(answer(pod, status))
    await pause()
  }
  return explained
}

/** Named as the Pod, and as old. */
const answer = ({ metadata }: Pod, status: PodExplanation['status']): PodExplanation => {
  const { name, namespace, generateName = '', creationTimestamp } = metadata
  const { kind, apiVersion } = PodExplanation
  const age = creationTimestamp === undefined ? {} : { creationTimestamp }
  return { kind, apiVersion, metadata: { name: name || generateName, namespace, ...age }, status }
}

/** Undefined when they are of several. */
function namespaceOf(pods: readonly Pod[]): string | undefined {
  const names = new Set(pods.map(({ metadata }) => metadata.namespace))
  return names.size === 1 ? [...names][0] : undefined
}

type Objects = Facts['objects']

/** `namespace`: of what only admission and kubelets read; undefined: of all. */
async function objectsOf(client: Client, namespace: string | undefined): Promise<Objects> {
  const listed = async (kind: AnyKind, where: { namespace?: string | undefined }) =>
    [kind, (await client.list(kind, where)).items as readonly AnyObject[]] as const
  return new Map(
    await Promise.all([...everywhere.map((kind) => listed(kind, {})), ...inNamespace.map((kind) => listed(kind, { namespace }))]),
  )
}

function factsOf({ clock, profile, schedulerName = 'default-scheduler' }: ExplainerOptions, pod: Pod, objects: Objects): Facts {
  return { pod, isCreated: false, objects, observed: [], profile, schedulerName, nowMs: clock.now() }
}

/** By uid of the Pod. */
async function eventsOf(client: Client, pods: readonly Pod[]): Promise<ReadonlyMap<string, readonly Event[]>> {
  const [only, ...others] = pods
  const fieldSelector = only && others.length === 0 ? `involvedObject.uid=${only.metadata.uid}` : 'involvedObject.kind=Pod'
  const { items } = await client.list(Event, { namespace: namespaceOf(pods), fieldSelector })
  return groupBy(items, ({ involvedObject }) => involvedObject.uid ?? '')
}

/** The API server answers others in between. */
const pause = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

// nobody makes an account while facts stand still: it is not waited for
const impatient = serviceAccountWith({
  now: () => 0,
  sleep: async () => undefined,
  after: () => () => undefined,
})
const plugins: readonly Plugin[] = defaultPlugins.map((plugin) => (plugin === serviceAccount ? impatient : plugin))

/** A create as the server does it, on facts: defaults, plugins, validation, quotas; nothing is stored. */
function admitAs(user: User): Admit {
  return async (facts) => {
    let made: Pod | undefined
    try {
      await admitted(facts, user, (pod) => (made = pod))
      return { pod: made ?? facts.pod }
    } catch (error) {
      const refused = statusOf(error)
      if (!refused) throw error
      return { refused, pod: made }
    }
  }
}

/** `show` is given the Pod once every plugin has changed it, before any is asked whether it may be. */
async function admitted(facts: Facts, user: User, show: (pod: Pod) => void): Promise<void> {
  const { metadata } = facts.pod
  const name = metadata.name || `${metadata.generateName ?? ''}xxxxx`
  const request = requestFor(facts, user)
  const mutant = await mutated(plugins, request)
  const object = Pod.decode(JSON.parse(JSON.stringify(mutant)), { unknown: [] })
  object.metadata = { ...object.metadata, name }
  Pod.prepareCreate?.(object)
  show(object)
  const errors = validateCreate(Pod, object as AnyObject)
  if (errors.length > 0) throw invalidObject(Pod, name, errors)
  if (find(facts, Pod, { namespace: metadata.namespace, name })) throw alreadyExists(Pod, name)
  await approved(plugins, { ...request, name, object: object as AnyObject })
}

function requestFor(facts: Facts, user: User): AdmissionRequest {
  const { pod, nowMs } = facts
  const { namespace, name } = pod.metadata
  return {
    ...{ verb: 'create', kind: Pod, namespace, name, object: pod as AnyObject, user, dryRun: true, read: readerOf(facts), nowMs },
    replace: () => Promise.reject(new Error('a trial writes nothing')),
    onSettled: () => undefined,
    warn: () => undefined,
  }
}

function readerOf(facts: Facts): Reader {
  const cached = <K extends AnyKind>(kind: K, ref: { namespace?: string | undefined; name: string }) => find(facts, kind, ref)
  return {
    cached,
    cachedList: <K extends AnyKind>(kind: K, namespace?: string) =>
      (facts.objects.get(kind) ?? []).filter(
        ({ metadata }) => namespace === undefined || metadata.namespace === namespace,
      ) as ObjectOf<K>[],
    live: async (kind, ref) => cached(kind, ref),
  }
}
