// Tells the cluster which handlers a node has and whether they work: labels and annotations of the Node, a NodeHandler each, Events.
import { isDeepStrictEqual } from 'node:util'
import { Node } from '../../api/core/node.ts'
import { defaultHandlerAnnotation, handlerKey, handlerOfKey } from '../../api/polypod/handler-readiness.ts'
import { NodeHandler, nodeHandlerName, type NodeHandlerStatus, systemNamespace } from '../../api/polypod/node-handler.ts'
import { withCondition } from '../../api/meta-condition.ts'
import { dnsLabel } from '../../api/name.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../api/status.ts'
import type { Client } from '../../client/client.ts'
import type { EventRecorder } from '../../client/event-recorder.ts'
import { type Clock, rfc3339 } from '../../lib/clock.ts'
import { conditionStatus, type ProvedHandler } from './prover.ts'
import { shortMessage, type Verdict } from './verdict.ts'

export interface PublisherOptions {
  client: Pick<Client, 'list' | 'create' | 'update' | 'get' | 'patch' | 'delete'>
  clock: Clock
  events: EventRecorder
  node: { current(): Node }
  /** Whether each handler becomes a NodeHandler. */
  publish: boolean
  log: (line: string) => void
}

type Texts = Record<string, string>
type Patch = Record<string, string | null>

/** What a Node says of these. Handlers that no RuntimeClass could name are left out. Pure. */
export function nodeMarks(handlers: readonly ProvedHandler[]): { labels: Texts; annotations: Texts } {
  const usable = nameable(handlers)
  const label = ({ facts, verdict }: ProvedHandler) => [handlerKey(facts.name), verdict.state]
  const why = ({ facts, verdict }: ProvedHandler) => [handlerKey(facts.name), shortMessage(verdict.message)]
  const standard = usable.find(({ facts }) => facts.isDefault)?.facts.name
  return {
    labels: Object.fromEntries(usable.map(label)) as Texts,
    annotations: {
      ...(Object.fromEntries(usable.filter(({ verdict }) => verdict.state === 'not-ready').map(why)) as Texts),
      ...(standard === undefined ? {} : { [defaultHandlerAnnotation]: standard }),
    },
  }
}

const nameable = (handlers: readonly ProvedHandler[]): ProvedHandler[] =>
  handlers.filter(({ facts }) => dnsLabel(facts.name).length === 0)

/** Where a Node of an earlier version of ours kept what NodeHandlers tell now. */
const formerAnnotation = 'polypod.dev/runtime-handlers'

/** What has to change so that exactly `wanted` is there; null: it goes. Undefined: nothing. Pure. */
export function markChanges(present: Texts = {}, wanted: Texts): Patch | undefined {
  const isOurs = (key: string) => handlerOfKey(key) !== undefined || key === defaultHandlerAnnotation || key === formerAnnotation
  const gone = Object.keys(present).filter((key) => isOurs(key) && !(key in wanted))
  const changed = Object.entries(wanted).filter(([key, value]) => present[key] !== value)
  if (gone.length + changed.length === 0) return undefined
  return { ...Object.fromEntries(gone.map((key) => [key, null])), ...Object.fromEntries(changed) }
}

export interface Publisher {
  /** What could not be written is logged, and written with the next call. Never rejects. */
  tell(handlers: readonly ProvedHandler[]): Promise<void>
}

interface State extends PublisherOptions {
  /** As written last, by handler; undefined before the first look. */
  objects: Map<string, NodeHandler> | undefined
  marks: { labels: Texts; annotations: Texts } | undefined
  states: Map<string, Verdict['state']>
  complaint: string
}

export function handlerPublisher(options: PublisherOptions): Publisher {
  const state: State = { ...options, objects: undefined, marks: undefined, states: new Map(), complaint: '' }
  return {
    async tell(handlers) {
      try {
        sayChanges(state, handlers)
        await writeMarks(state, handlers)
        if (options.publish) await writeObjects(state, nameable(handlers))
        state.complaint = ''
      } catch (error) {
        // the same trouble again and again is told once
        if (state.complaint !== String(error)) options.log(`cannot tell what handlers do: ${String(error)}`)
        state.complaint = String(error)
      }
    },
  }
}

function sayChanges({ states, events, node }: State, handlers: readonly ProvedHandler[]): void {
  for (const { facts, verdict } of handlers) {
    const before = states.get(facts.name)
    states.set(facts.name, verdict.state)
    if (before === verdict.state || verdict.state === 'pending') continue
    if (verdict.state === 'not-ready')
      events.event(node.current(), 'Warning', 'HandlerNotReady', `Runtime handler ${facts.name} is not ready: ${verdict.message}`)
    else if (before === 'not-ready')
      events.event(node.current(), 'Normal', 'HandlerReady', `Runtime handler ${facts.name} is ready again: ${verdict.message}`)
  }
}

/** One write, and only when something changed since the last. */
async function writeMarks(state: State, handlers: readonly ProvedHandler[]): Promise<void> {
  const { client, node } = state
  const { name } = node.current().metadata
  const wanted = nodeMarks(handlers)
  const present = state.marks ?? node.current().metadata
  const labels = markChanges(present.labels, wanted.labels)
  const annotations = markChanges(present.annotations, wanted.annotations)
  if (labels || annotations) {
    const metadata = { ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) }
    await client.patch(Node, { name }, { type: 'merge', body: { metadata } })
  }
  state.marks = wanted
}

async function writeObjects(state: State, handlers: readonly ProvedHandler[]): Promise<void> {
  const { client, node } = state
  const { name } = node.current().metadata
  if (!state.objects) {
    const { items } = await client.list(NodeHandler, { namespace: systemNamespace, fieldSelector: `spec.nodeName=${name}` })
    state.objects = new Map(items.map((one) => [one.spec.handler, one]))
  }
  const { objects } = state
  for (const handler of handlers) await writeObject(state, objects, handler)
  for (const [handler, { metadata }] of objects)
    if (!handlers.some(({ facts }) => facts.name === handler)) {
      await client.delete(NodeHandler, metadata).catch(unlessNotFound)
      objects.delete(handler)
    }
}

function unlessNotFound(error: unknown): void {
  if (!isNotFound(error)) throw error
}

async function writeObject(state: State, objects: Map<string, NodeHandler>, handler: ProvedHandler): Promise<void> {
  const { client, clock, node } = state
  const { name } = handler.facts
  let present = objects.get(name)
  // of a Node of the same name that was there before
  if (present && present.metadata.ownerReferences?.[0]?.uid !== node.current().metadata.uid) {
    await client.delete(NodeHandler, present.metadata).catch(unlessNotFound)
    present = undefined
  }
  const next = nodeHandler(node.current(), handler, { present, nowMs: clock.now() })
  if (present && isDeepStrictEqual(present.status, next.status)) return
  try {
    const written = present
      ? await client.update(NodeHandler, { ...present, status: next.status }, { subresource: 'status' })
      : await client.create(NodeHandler, next)
    objects.set(name, written)
  } catch (error) {
    // somebody else made, changed or deleted it: it is looked at afresh next time
    if (isNotFound(error) || isConflict(error) || isAlreadyExists(error)) state.objects = undefined
    throw error
  }
}

interface Before {
  present: NodeHandler | undefined
  nowMs: number
}

/** The object of one handler; the condition's time stays while its status does. Pure. */
export function nodeHandler(node: Node, { facts, verdict, evidence }: ProvedHandler, { present, nowMs }: Before): NodeHandler {
  const { name, uid = '' } = node.metadata
  const ready = {
    ...{ type: 'Ready', status: conditionStatus[verdict.state], reason: verdict.reason, message: verdict.message },
    lastTransitionTime: rfc3339(nowMs),
  }
  const ociRuntime = facts.runtime === undefined ? undefined : { path: facts.runtime, version: facts.version }
  const shim = {
    path: facts.shim ?? evidence.shim?.path,
    apiVersion: evidence.shim?.apiVersion ?? facts.shimApi,
    version: ociRuntime ? undefined : facts.version,
  }
  const status: NodeHandlerStatus = {
    isDefault: facts.isDefault,
    runtimeType: facts.runtimeType,
    shim: Object.values(shim).every((value) => value === undefined) ? undefined : shim,
    ociRuntime,
    features: facts.features,
    configuration: evidence.configuration ?? present?.status.configuration,
    canary: verdict.canary,
    lastProvedTime: verdict.lastProvedAtMs === undefined ? present?.status.lastProvedTime : rfc3339(verdict.lastProvedAtMs),
    conditions: withCondition(present?.status.conditions, ready),
  }
  return NodeHandler.decode(
    JSON.parse(
      JSON.stringify({
        metadata: {
          name: nodeHandlerName(name, facts.name),
          namespace: systemNamespace,
          ownerReferences: [{ apiVersion: Node.apiVersion, kind: Node.kind, name, uid }],
        },
        spec: { nodeName: name, handler: facts.name },
        status,
      }),
    ),
    { unknown: [] },
  )
}
