// Kubernetes' protobuf, for the few kinds that kubectl's own commands send in it (`kubectl create namespace`, `drain`).
// Numbers are those of upstream's .proto files. Answers are always JSON, which every client takes.

/** How a field's bytes are read. */
type Wire =
  | 'text'
  | 'bytes'
  | 'int'
  | 'bool'
  | 'time'
  | 'intOrString'
  | { map: 'text' | 'bytes' }
  | { message: () => Message }
  | { list: Wire }

/** Field number to name and reading. */
type Message = Readonly<Record<number, readonly [name: string, wire: Wire]>>

const message = (of: () => Message): Wire => ({ message: of })
const texts: Wire = { list: 'text' }

const ownerReference: Message = {
  ...{ 1: ['kind', 'text'], 3: ['name', 'text'], 4: ['uid', 'text'], 5: ['apiVersion', 'text'] },
  ...{ 6: ['controller', 'bool'], 7: ['blockOwnerDeletion', 'bool'] },
}
const objectMeta: Message = {
  ...{ 1: ['name', 'text'], 2: ['generateName', 'text'], 3: ['namespace', 'text'], 5: ['uid', 'text'] },
  ...{ 6: ['resourceVersion', 'text'], 7: ['generation', 'int'], 8: ['creationTimestamp', 'time'] },
  ...{ 9: ['deletionTimestamp', 'time'], 10: ['deletionGracePeriodSeconds', 'int'] },
  ...{ 11: ['labels', { map: 'text' }], 12: ['annotations', { map: 'text' }] },
  ...{ 13: ['ownerReferences', { list: message(() => ownerReference) }], 14: ['finalizers', texts] },
}
const metadata = { 1: ['metadata', message(() => objectMeta)] } as const
const objectReference: Message = {
  ...{ 1: ['kind', 'text'], 2: ['namespace', 'text'], 3: ['name', 'text'], 4: ['uid', 'text'] },
  ...{ 5: ['apiVersion', 'text'], 6: ['resourceVersion', 'text'], 7: ['fieldPath', 'text'] },
}
const localReference: Message = { 1: ['name', 'text'] }
const namespaceSpec: Message = { 1: ['finalizers', texts] }
const servicePort: Message = {
  ...{ 1: ['name', 'text'], 2: ['protocol', 'text'], 3: ['port', 'int'], 4: ['targetPort', 'intOrString'] },
  ...{ 5: ['nodePort', 'int'], 6: ['appProtocol', 'text'] },
}
const serviceSpec: Message = {
  ...{ 1: ['ports', { list: message(() => servicePort) }], 2: ['selector', { map: 'text' }], 3: ['clusterIP', 'text'] },
  ...{ 4: ['type', 'text'], 5: ['externalIPs', texts], 7: ['sessionAffinity', 'text'], 8: ['loadBalancerIP', 'text'] },
  ...{ 9: ['loadBalancerSourceRanges', texts], 10: ['externalName', 'text'], 11: ['externalTrafficPolicy', 'text'] },
  ...{ 12: ['healthCheckNodePort', 'int'], 13: ['publishNotReadyAddresses', 'bool'], 17: ['ipFamilyPolicy', 'text'] },
  ...{ 18: ['clusterIPs', texts], 19: ['ipFamilies', texts], 20: ['allocateLoadBalancerNodePorts', 'bool'] },
  ...{ 21: ['loadBalancerClass', 'text'], 22: ['internalTrafficPolicy', 'text'] },
}
const preconditions: Message = { 1: ['uid', 'text'], 2: ['resourceVersion', 'text'] }

const kinds: Readonly<Record<string, Message>> = {
  ConfigMap: {
    ...metadata,
    ...{ 2: ['data', { map: 'text' }], 3: ['binaryData', { map: 'bytes' }], 4: ['immutable', 'bool'] },
  },
  DeleteOptions: {
    ...{ 1: ['gracePeriodSeconds', 'int'], 2: ['preconditions', message(() => preconditions)] },
    ...{ 3: ['orphanDependents', 'bool'], 4: ['propagationPolicy', 'text'], 5: ['dryRun', texts] },
  },
  Namespace: { ...metadata, 2: ['spec', message(() => namespaceSpec)] },
  PriorityClass: {
    ...metadata,
    ...{ 2: ['value', 'int'], 3: ['globalDefault', 'bool'], 4: ['description', 'text'], 5: ['preemptionPolicy', 'text'] },
  },
  Secret: {
    ...metadata,
    ...{ 2: ['data', { map: 'bytes' }], 3: ['type', 'text'], 4: ['stringData', { map: 'text' }], 5: ['immutable', 'bool'] },
  },
  Service: { ...metadata, 2: ['spec', message(() => serviceSpec)] },
  ServiceAccount: {
    ...metadata,
    2: ['secrets', { list: message(() => objectReference) }],
    3: ['imagePullSecrets', { list: message(() => localReference) }],
    4: ['automountServiceAccountToken', 'bool'],
  },
}

export const protobufType = 'application/vnd.kubernetes.protobuf'
const magic = Buffer.from('k8s\0')

/** The object inside, as JSON would say it; undefined for a kind that is not read. Throws an Error for bytes that make no sense. */
export function parseProtobuf(bytes: Uint8Array): Record<string, unknown> | undefined {
  if (!magic.equals(bytes.subarray(0, 4)))
    throw new Error('provided data does not appear to be a protobuf message, expected prefix 6b3873')
  const envelope = decode({ 1: ['type', message(() => typeMeta)], 2: ['raw', 'bytes'] }, bytes.subarray(4))
  const { apiVersion, kind } = (envelope.type ?? {}) as Record<string, string>
  const its = kinds[String(kind)]
  if (!its || !Object.hasOwn(kinds, String(kind))) return undefined
  const raw = typeof envelope.raw === 'string' ? envelope.raw : ''
  return { apiVersion, kind, ...decode(its, Buffer.from(raw, 'base64')) }
}

const typeMeta: Message = { 1: ['apiVersion', 'text'], 2: ['kind', 'text'] }

function decode(its: Message, bytes: Uint8Array): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (const { number, value } of fieldsOf(bytes)) {
    const [name, wire] = its[number] ?? []
    if (name === undefined || wire === undefined) continue
    object[name] = read(wire, value, object[name])
  }
  return object
}

/** `before`: what earlier occurrences of the field came to. */
function read(wire: Wire, value: FieldValue, before: unknown): unknown {
  if (typeof wire === 'object') {
    if ('list' in wire) return [...((before as unknown[] | undefined) ?? []), read(wire.list, value, undefined)]
    if ('message' in wire) return decode(wire.message(), part(value))
    const entry = decode({ 1: ['key', 'text'], 2: ['value', wire.map] }, part(value))
    return Object.fromEntries([...Object.entries((before as object | undefined) ?? {}), [entry.key ?? '', entry.value ?? '']])
  }
  switch (wire) {
    case 'text':
      return utf8.decode(part(value))
    case 'bytes':
      return Buffer.from(part(value)).toString('base64')
    case 'int':
      return Number(BigInt.asIntN(64, whole(value)))
    case 'bool':
      return whole(value) !== 0n
    case 'time':
      return instant(decode({ 1: ['seconds', 'int'] }, part(value)).seconds)
    case 'intOrString': {
      const {
        type = 0,
        number = 0,
        text = '',
      } = decode({ 1: ['type', 'int'], 2: ['number', 'int'], 3: ['text', 'text'] }, part(value))
      return type === 0 ? number : text
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** k8s: a time of nothing is no time. */
const instant = (seconds: unknown): string | null =>
  typeof seconds === 'number' ? `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` : null

type FieldValue = bigint | Uint8Array
const broken = () => new Error('proto: illegal wire data')

function part(value: FieldValue): Uint8Array {
  if (typeof value === 'bigint') throw broken()
  return value
}
function whole(value: FieldValue): bigint {
  if (typeof value !== 'bigint') throw broken()
  return value
}

function* fieldsOf(bytes: Uint8Array): Generator<{ number: number; value: FieldValue }> {
  let at = 0
  const varint = (): bigint => {
    let result = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[at++]
      if (byte === undefined) throw broken()
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return result
    }
    throw broken()
  }
  const slice = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw broken()
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const number = Math.floor(tag / 8)
    const wireType = tag % 8
    if (wireType === 0) yield { number, value: varint() }
    else if (wireType === 1) slice(8)
    else if (wireType === 2) yield { number, value: slice(Number(varint())) }
    else if (wireType === 5) slice(4)
    else throw broken()
  }
}
