// HandlerMeasurement: what a runtime handler of a node really costs, measured on real containers, and on which machine.
import { since } from '../age.ts'
import { resourceList } from '../core/resources.ts'
import { invalid } from '../field-error.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { dnsLabel } from '../name.ts'
import { embedded, type Infer, integer, listOf, object, optional, pointer, quantity, text, time } from '../schema.ts'

const name = (kindName: string) => ({ name: `dev.polypod.v1alpha1.${kindName}` })

const spec = object({ nodeName: text(), handler: text() }, name('HandlerMeasurementSpec'))

/** Of one Pod. `error` is half the 95 % confidence interval of the mean; `samples` are how many values it is the mean of. */
const amount = object(
  { mean: quantity(), error: quantity(), min: quantity(), max: quantity(), samples: integer() },
  name('HandlerMeasurementAmount'),
)
const latency = object(
  {
    ...{ p50Ms: integer('int64'), p90Ms: integer('int64'), p99Ms: integer('int64'), maxMs: integer('int64') },
    ...{ meanMs: integer('int64'), errorMs: integer('int64'), samples: integer() },
  },
  name('HandlerMeasurementLatency'),
)
const machine = object(
  {
    ...{ osImage: text(), kernelVersion: text(), architecture: text(), cpuModel: optional(text()), cpus: integer() },
    ...{ memory: quantity(), cgroup: text(), containerRuntime: text() },
  },
  name('HandlerMeasurementMachine'),
)
const runtime = object(
  {
    ...{ runtimeType: optional(text()), shim: optional(text()), ociRuntime: optional(text()), version: optional(text()) },
  },
  name('HandlerMeasurementRuntime'),
)
const memory = object(
  {
    /** What the node has less of, by MemAvailable, for every Pod: kernel memory and network included, and whatever else happened. */
    nodeAvailable: amount,
    /** In the Pod's cgroup and in none of its containers. */
    podCgroup: amount,
    /** Proportional share (Pss) of every process that serves the Pod and is none of its own: shim, pause, sentry, VMM. */
    processes: amount,
    /** Of these, those outside of the Pod's cgroup. */
    processesOutside: amount,
    /** podCgroup + processesOutside: nothing counted twice. What `recommended` begins with. */
    sandbox: amount,
  },
  name('HandlerMeasurementMemory'),
)
const steps = object(
  { total: latency, runPodSandbox: latency, createContainer: latency, startContainer: latency },
  name('HandlerMeasurementStart'),
)
const recommended = object({ podFixed: resourceList, reasons: listOf(text()) }, name('HandlerMeasurementRecommendation'))

const status = object(
  {
    measuredAt: optional(time()),
    /** At a time, and how many times over. */
    pods: optional(integer()),
    rounds: optional(integer()),
    machine: pointer(machine),
    runtime: pointer(runtime),
    memory: pointer(memory),
    /** Of a Pod that does nothing, its containers left out. */
    idleCpu: pointer(amount),
    /** From the call of RunPodSandbox to the end of StartContainer, one Pod after the other. */
    start: pointer(steps),
    recommended: pointer(recommended),
  },
  name('HandlerMeasurementStatus'),
)
export type MeasuredAmount = Infer<typeof amount>
export type MeasuredLatency = Infer<typeof latency>
export type MeasuredMachine = Infer<typeof machine>
export type HandlerMeasurementStatus = Infer<typeof status>

const withError = (of: MeasuredAmount | undefined): string => (of ? `${of.mean} ± ${of.error}` : '')
const millis = (ms: number | undefined): string => (ms === undefined ? '' : `${ms}ms`)

export const HandlerMeasurement = kind({
  ...{ group: 'polypod.dev', version: 'v1alpha1', kind: 'HandlerMeasurement', plural: 'handlermeasurements' },
  shortNames: ['hm'],
  scope: 'namespaced',
  openapiName: 'dev.polypod.v1alpha1.HandlerMeasurement',
  fields: { spec: embedded(spec), status: embedded(status) },
  hasStatus: true,
  validate: ({ spec: { nodeName, handler } }) => [
    ...(nodeName === '' ? [invalid('spec.nodeName', nodeName, 'must name a node')] : []),
    ...dnsLabel(handler).map((why) => invalid('spec.handler', handler, why)),
  ],
  selectable: { 'spec.nodeName': ({ spec }) => spec.nodeName, 'spec.handler': ({ spec }) => spec.handler },
  ownColumns: true,
  columns: [
    { name: 'Name', cell: ({ metadata }) => metadata.name },
    { name: 'Memory', cell: ({ status }) => withError(status.memory?.sandbox) },
    { name: 'Idle CPU', cell: ({ status }) => status.idleCpu?.mean ?? '' },
    { name: 'Start P50', cell: ({ status }) => millis(status.start?.total.p50Ms) },
    { name: 'Start P99', cell: ({ status }) => millis(status.start?.total.p99Ms) },
    { name: 'Recommended', cell: ({ status }) => listText(status.recommended?.podFixed) },
    { name: 'Measured', cell: ({ status }, now) => (status.measuredAt ? `${since(status.measuredAt, now)} ago` : 'never') },
    { name: 'Samples', wide: true, cell: ({ status }) => `${status.rounds ?? 0} x ${status.pods ?? 0} Pods` },
    { name: 'Node Delta', wide: true, cell: ({ status }) => withError(status.memory?.nodeAvailable) },
    { name: 'Pod Cgroup', wide: true, cell: ({ status }) => withError(status.memory?.podCgroup) },
    { name: 'Processes', wide: true, cell: ({ status }) => withError(status.memory?.processes) },
    { name: 'Runtime', wide: true, cell: ({ status: { runtime } }) => runtime?.version ?? runtime?.runtimeType ?? '' },
  ],
})
export type HandlerMeasurement = ObjectOf<typeof HandlerMeasurement>

export const listText = (list: Record<string, string> | undefined): string =>
  Object.entries(list ?? {})
    .map(([resource, amount]) => `${resource}=${amount}`)
    .join(',')
