// Which fields of a Pod and amounts of a container may be handed to its own processes.
import { type FieldError, invalid, invalidFor, notSupported, required } from '../field-error.ts'
import { qualifiedName } from '../name.ts'
import type { ObjectFieldSelector, ResourceFieldSelector } from './volume.ts'

export const envFieldPaths = [
  ...['metadata.name', 'metadata.namespace', 'metadata.uid', 'spec.nodeName', 'spec.serviceAccountName'],
  ...['status.hostIP', 'status.hostIPs', 'status.podIP', 'status.podIPs'],
]
export const volumeFieldPaths = [
  ...['metadata.annotations', 'metadata.labels', 'metadata.name', 'metadata.namespace', 'metadata.uid'],
]
const convertible = new Set([
  ...[...envFieldPaths, ...volumeFieldPaths],
  ...['spec.host', 'spec.restartPolicy', 'spec.schedulerName', 'status.phase'],
])

/** `supported`: the paths that this place (environment or volume) can show. */
export function fieldRefErrors(ref: ObjectFieldSelector, supported: readonly string[], field: string): FieldError[] {
  if (ref.fieldPath === '') return []
  const at = `${field}.fieldPath`
  const cannot = (why: string) => [invalid(at, ref.fieldPath, `error converting fieldPath: ${why}`)]
  if (ref.apiVersion !== undefined && ref.apiVersion !== 'v1') return cannot(`unsupported pod version: ${ref.apiVersion}`)
  const [, path, subscript] = /^(.*)\['(.*)'\]$/.exec(ref.fieldPath) ?? []
  if (path === undefined || subscript === undefined) {
    if (!convertible.has(ref.fieldPath)) return cannot(`field label not supported: ${ref.fieldPath}`)
    const now = ref.fieldPath === 'spec.host' ? 'spec.nodeName' : ref.fieldPath
    return supported.includes(now) ? [] : [notSupported(at, now, supported)]
  }
  if (path === 'metadata.annotations') return invalidFor(field, subscript, qualifiedName(subscript.toLowerCase()))
  if (path === 'metadata.labels') return invalidFor(field, subscript, qualifiedName(subscript))
  return cannot(`field label does not support subscript: ${ref.fieldPath}`)
}

const amounts = ['cpu', 'memory', 'ephemeral-storage']
const resources = ['limits', 'requests'].flatMap((side) => amounts.map((name) => `${side}.${name}`))
const byteDivisors = ['1', '1k', '1M', '1G', '1T', '1P', '1E', '1Ki', '1Mi', '1Gi', '1Ti', '1Pi', '1Ei']

/** In a volume the container must be named; in an environment it is the container itself. */
export function resourceFieldRefErrors(ref: ResourceFieldSelector, field: string, inVolume: boolean): FieldError[] {
  const { resource, containerName = '', divisor = '0' } = ref
  const wrong: FieldError[] = []
  if (inVolume && containerName === '') wrong.push(required(`${field}.containerName`))
  else if (resource !== '' && !resources.includes(resource) && !/^(limits|requests)\.hugepages-/.test(resource))
    wrong.push(notSupported(`${field}.resource`, resource, resources))
  const about = resource.slice(resource.indexOf('.') + 1)
  const isCpu = about === 'cpu'
  const allowed = isCpu ? ['1m', '1'] : byteDivisors
  if (divisor !== '0' && !allowed.includes(divisor)) {
    const what = about === 'ephemeral-storage' ? 'local ephemeral storage' : about.startsWith('hugepages-') ? 'hugepages' : about
    const list = isCpu ? '1m and 1' : byteDivisors.join(', ')
    wrong.push(invalid(`${field}.divisor`, resource, `only divisor's values ${list} are supported with the ${what} resource`))
  }
  return wrong
}
