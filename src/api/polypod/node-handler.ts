// NodeHandler: one runtime handler of one node, what is behind it, and whether it was proved to work.
import { since } from '../age.ts'
import { immutable, invalid } from '../field-error.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { condition } from '../meta-condition.ts'
import { dnsLabel } from '../name.ts'
import { bool, embedded, type Infer, integer, listOf, object, optional, pointer, text, time } from '../schema.ts'

const name = (kindName: string) => ({ name: `dev.polypod.v1alpha1.${kindName}` })

const spec = object({ nodeName: text(), handler: text() }, name('NodeHandlerSpec'))

/** Absent: nobody tells. */
const features = object(
  {
    /** hostUsers: false works, as CRI says. */
    userNamespaces: pointer(bool()),
    /** As CRI says. */
    recursiveReadOnlyMounts: pointer(bool()),
    /** The rest is what the OCI runtime says of itself. */
    checkpoint: pointer(bool()),
    idmapMounts: pointer(bool()),
    seccomp: pointer(bool()),
    apparmor: pointer(bool()),
    selinux: pointer(bool()),
  },
  name('NodeHandlerFeatures'),
)
const shim = object(
  {
    path: optional(text()),
    apiVersion: optional(text()),
    /** Where the shim is the runtime, or brings it. */
    version: optional(text()),
  },
  name('NodeHandlerShim'),
)
const ociRuntime = object({ path: optional(text()), version: optional(text()) }, name('NodeHandlerRuntime'))
const configuration = object({ file: text(), line: optional(integer()) }, name('NodeHandlerConfiguration'))
const canary = object(
  {
    /** `Succeeded` or `Failed`. */
    result: text(),
    /** Why it was run: `Start`, `ConfigurationChanged`, `BinaryChanged`, `PodFailed`, `Periodic`, `Retry`. */
    trigger: optional(text()),
    startedAt: optional(time()),
    durationMs: integer('int64'),
    /** The runtime's own words when it failed. */
    message: optional(text()),
  },
  name('NodeHandlerCanary'),
)
const status = object(
  {
    isDefault: optional(bool()),
    runtimeType: optional(text()),
    shim: pointer(shim),
    ociRuntime: pointer(ociRuntime),
    features: pointer(features),
    configuration: pointer(configuration),
    canary: pointer(canary),
    lastProvedTime: optional(time()),
    conditions: optional(listOf(condition, { merge: { keys: ['type'] } })),
  },
  name('NodeHandlerStatus'),
)

export type NodeHandlerStatus = Infer<typeof status>
export type NodeHandlerFeatures = Infer<typeof features>
export type NodeHandlerCanary = Infer<typeof canary>

/** Where the cluster keeps what it knows of itself. */
export const systemNamespace = 'polypod-system'

export const nodeHandlerName = (nodeName: string, handler: string): string => `${nodeName}.${handler}`

const fileOf = (path = ''): string => path.slice(path.lastIndexOf('/') + 1)

/** Of the OCI runtime or, where the shim is the runtime, of the shim. */
export const runtimeVersion = ({ ociRuntime, shim }: NodeHandlerStatus): string | undefined =>
  ociRuntime?.version ?? shim?.version

/** `runc 1.1.5`, or the shim where that is the runtime; the type where no binary is known. */
export function runtimeText(status: NodeHandlerStatus): string {
  const { ociRuntime, shim, runtimeType } = status
  const path = ociRuntime?.path ?? shim?.path
  return [path === undefined ? runtimeType : fileOf(path), runtimeVersion(status)].filter(Boolean).join(' ')
}

/** The Ready condition; undefined before the first proof is published. */
export const readyCondition = ({ conditions = [] }: NodeHandlerStatus) => conditions.find(({ type }) => type === 'Ready')

export const NodeHandler = kind({
  ...{ group: 'polypod.dev', version: 'v1alpha1', kind: 'NodeHandler', plural: 'nodehandlers', shortNames: ['nh'] },
  scope: 'namespaced',
  openapiName: 'dev.polypod.v1alpha1.NodeHandler',
  fields: { spec: embedded(spec), status: embedded(status) },
  hasStatus: true,
  validate: ({ spec: { nodeName, handler } }) => [
    ...(nodeName === '' ? [invalid('spec.nodeName', nodeName, 'must name a node')] : []),
    ...dnsLabel(handler).map((why) => invalid('spec.handler', handler, why)),
  ],
  validateUpdate: (next, old) => [
    ...immutable('spec.nodeName', next.spec.nodeName, old.spec.nodeName),
    ...immutable('spec.handler', next.spec.handler, old.spec.handler),
  ],
  selectable: { 'spec.nodeName': ({ spec }) => spec.nodeName, 'spec.handler': ({ spec }) => spec.handler },
  ownColumns: true,
  columns: [
    { name: 'Name', cell: ({ metadata }) => metadata.name },
    { name: 'Type', cell: ({ status }) => status.runtimeType ?? '' },
    { name: 'Shim', cell: ({ status }) => fileOf(status.shim?.path) },
    { name: 'API', cell: ({ status }) => status.shim?.apiVersion ?? '' },
    { name: 'Runtime', cell: ({ status }) => fileOf(status.ociRuntime?.path) },
    { name: 'Version', cell: ({ status }) => runtimeVersion(status) ?? '' },
    { name: 'Default', cell: ({ status }) => (status.isDefault ? '*' : '') },
    { name: 'Ready', cell: ({ status }) => readyText(status) },
    {
      name: 'Last Proved',
      cell: ({ status }, now) => (status.lastProvedTime ? `${since(status.lastProvedTime, now)} ago` : 'never'),
    },
    { name: 'Age', cell: ({ metadata }, now) => since(metadata.creationTimestamp, now) },
    {
      name: 'Canary',
      wide: true,
      cell: ({ status: { canary } }) => (canary ? `${canary.result} in ${canary.durationMs}ms` : ''),
    },
    { name: 'Features', wide: true, cell: ({ status }) => featureNames(status.features).join(',') },
    { name: 'Configuration', wide: true, cell: ({ status }) => placeText(status.configuration) },
    {
      name: 'Message',
      wide: true,
      cell: ({ status }) => messageText(status),
    },
  ],
})
export type NodeHandler = ObjectOf<typeof NodeHandler>

/** `True`, or with the reason: `False: BinaryNotFound`. */
function readyText(handler: NodeHandlerStatus): string {
  const { status = 'Unknown', reason = '' } = readyCondition(handler) ?? {}
  return status === 'True' || reason === '' ? status : `${status}: ${reason}`
}

function messageText(handler: NodeHandlerStatus): string {
  const { status, message = '' } = readyCondition(handler) ?? {}
  return status === 'True' ? '' : message
}

/** Those it has. */
export const featureNames = (features: NodeHandlerFeatures = {}): string[] =>
  Object.entries(features).flatMap(([feature, has]) => (has ? [feature] : []))

export const placeText = (place: Infer<typeof configuration> | undefined): string =>
  place ? (place.line ? `${place.file}:${place.line}` : place.file) : ''
