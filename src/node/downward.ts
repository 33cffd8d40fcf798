// The downward API: what a Pod can read of itself, through env and through files.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { ResourceList } from '../api/core/resources.ts'
import type { ResourceFieldSelector } from '../api/core/volume.ts'
import { milliValueOf, nanoOf, valueOf } from '../api/quantity.ts'

/** The IPs are the present ones, which the Pod's status may not show yet. */
export interface DownwardFacts {
  nodeAllocatable: ResourceList
  hostIPs: readonly string[]
  podIPs: readonly string[]
}

/** The value of a field path such as `metadata.labels['app']`; undefined when it cannot be referred to. */
export function fieldValue(pod: Pod, fieldPath: string, facts: DownwardFacts): string | undefined {
  const { metadata, spec, status } = pod
  const subscript = /^metadata\.(?<map>labels|annotations)\['(?<key>.+)'\]$/.exec(fieldPath)?.groups
  if (subscript) return metadata[subscript['map'] as 'labels' | 'annotations']?.[subscript['key'] ?? ''] ?? ''
  const podIPs = facts.podIPs.length > 0 ? facts.podIPs : (status.podIPs ?? []).map(({ ip }) => ip)
  const values: Record<string, string> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace ?? '',
    'metadata.uid': metadata.uid ?? '',
    'metadata.labels': mapText(metadata.labels),
    'metadata.annotations': mapText(metadata.annotations),
    'spec.nodeName': spec.nodeName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'status.hostIP': facts.hostIPs[0] ?? '',
    'status.hostIPs': facts.hostIPs.join(','),
    'status.podIP': podIPs[0] ?? '',
    'status.podIPs': podIPs.join(','),
  }
  return values[fieldPath]
}

/** One `key="value"` a line, sorted by key, no line feed at the end. */
function mapText(map: Record<string, string> = {}): string {
  const keys = Object.keys(map).toSorted()
  return keys.map((key) => `${key}=${quoted(map[key] ?? '')}`).join('\n')
}

const shortEscapes: Record<string, string> = { '\u0007': '\\a', '\u000b': '\\v' }
const jsonEscapes = '\b\f\n\r\t'

/** k8s: as Go's %q writes it: like JSON but for most control characters, which are \x01 there. */
const quoted = (text: string): string => `"${Array.from(text, escaped).join('')}"`

function escaped(char: string): string {
  const code = char.charCodeAt(0)
  if (!(code < 0x20 || code === 0x7f) || jsonEscapes.includes(char)) return JSON.stringify(char).slice(1, -1)
  return shortEscapes[char] ?? `\\x${code.toString(16).padStart(2, '0')}`
}

const defaulted = ['cpu', 'memory', 'ephemeral-storage']

/**
 * The value of `limits.cpu` and the like in units of the divisor, rounded up; undefined when it cannot be referred to.
 * k8s: a limit that is not set is what the node can give.
 */
export function resourceValue(
  container: Container,
  { resource, divisor = '0' }: ResourceFieldSelector,
  nodeAllocatable: ResourceList,
): string | undefined {
  const { side, name = '' } = /^(?<side>limits|requests)\.(?<name>.+)$/.exec(resource)?.groups ?? {}
  if (!side || !(defaulted.includes(name) || name.startsWith('hugepages-'))) return undefined
  const { limits = {}, requests = {} } = container.resources
  const set = side === 'limits' ? limits[name] : requests[name]
  const isSet = set !== undefined && nanoOf(set) > 0n
  const amount = (side === 'limits' && !isSet ? nodeAllocatable[name] : set) ?? '0'
  const unit = nanoOf(divisor) === 0n ? '1' : divisor
  const [value, by] = name === 'cpu' ? [milliValueOf(amount), milliValueOf(unit)] : [valueOf(amount), valueOf(unit)]
  return ((value + by - 1n) / by).toString()
}
