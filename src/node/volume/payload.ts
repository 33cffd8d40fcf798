// What the files of configMap, secret, downwardAPI and projected volumes hold.
import type { Container } from '../../api/core/container.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { DownwardFile, KeyToPath, Volume, VolumeProjection } from '../../api/core/volume.ts'
import type { Configs } from '../config-source.ts'
import { type DownwardFacts, fieldValue, resourceValue } from '../downward.ts'
import type { Payload, PayloadFile } from './atomic-writer.ts'

export interface PayloadWorld {
  configs: Configs
  facts: DownwardFacts
}

type Files = Map<string, PayloadFile>

interface Source {
  name: string
  items: readonly KeyToPath[] | undefined
  optional: boolean | undefined
  defaultMode: number
}

const usualMode = 0o644

/** undefined for a volume of another kind. Throws an Error with upstream's text when something is missing. */
export async function payloadOf(pod: Pod, volume: Volume, world: PayloadWorld): Promise<Payload | undefined> {
  const { configMap, secret, downwardAPI, projected } = volume
  if (configMap) return configMapFiles(pod, { ...sourceOf(configMap), name: configMap.name ?? '' }, world)
  if (secret) return secretFiles(pod, { ...sourceOf(secret), name: secret.secretName ?? '' }, world)
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? usualMode, world)
  if (projected) return projectedFiles(pod, projected.sources ?? [], projected.defaultMode ?? usualMode, world)
  return undefined
}

interface Declared {
  items?: KeyToPath[] | undefined
  optional?: boolean | undefined
  defaultMode?: number | undefined
}

const sourceOf = ({ items, optional, defaultMode = usualMode }: Declared) => ({ items, optional, defaultMode })

async function configMapFiles(pod: Pod, source: Source, { configs }: PayloadWorld): Promise<Files> {
  const found = await configs.configMap(pod.metadata.namespace ?? '', source.name)
  if (!found && !source.optional) throw new Error(`configmap "${source.name}" not found`)
  const values = new Map<string, Uint8Array>()
  for (const [key, text] of Object.entries(found?.data ?? {})) values.set(key, Buffer.from(text))
  for (const [key, base64] of Object.entries(found?.binaryData ?? {})) values.set(key, Buffer.from(base64, 'base64'))
  return select(values, source, (key) => `configmap references non-existent config key: ${key}`)
}

async function secretFiles(pod: Pod, source: Source, { configs }: PayloadWorld): Promise<Files> {
  const found = await configs.secret(pod.metadata.namespace ?? '', source.name)
  if (!found && !source.optional) throw new Error(`secret "${source.name}" not found`)
  const values = new Map<string, Uint8Array>()
  for (const [key, base64] of Object.entries(found?.data ?? {})) values.set(key, Buffer.from(base64, 'base64'))
  return select(values, source, (key) => `references non-existent secret key: ${key}`)
}

function select(
  values: ReadonlyMap<string, Uint8Array>,
  { items, optional, defaultMode }: Source,
  missing: (key: string) => string,
): Files {
  const files: Files = new Map()
  if (!items?.length) {
    for (const [key, data] of values) files.set(key, { data, mode: defaultMode })
    return files
  }
  for (const { key, path, mode } of items) {
    const data = values.get(key)
    if (data) files.set(safePath(path), { data, mode: mode ?? defaultMode })
    else if (!optional) throw new Error(missing(key))
  }
  return files
}

function downwardFiles(pod: Pod, items: readonly DownwardFile[], defaultMode: number, { facts }: PayloadWorld): Files {
  const files: Files = new Map()
  for (const { path, fieldRef, resourceFieldRef, mode } of items) {
    const container = resourceFieldRef && containerOf(pod, resourceFieldRef.containerName ?? '')
    const value = fieldRef
      ? fieldValue(pod, fieldRef.fieldPath, facts)
      : container && resourceValue(container, resourceFieldRef, facts.nodeAllocatable)
    if (value === undefined)
      throw new Error(
        fieldRef
          ? `unsupported fieldPath: ${fieldRef.fieldPath}`
          : container
            ? `unsupported container resource : ${resourceFieldRef.resource}`
            : `container ${resourceFieldRef?.containerName} not found`,
      )
    files.set(safePath(path), { data: Buffer.from(value), mode: mode ?? defaultMode })
  }
  return files
}

const containerOf = ({ spec }: Pod, name: string): Container | undefined =>
  [...spec.containers, ...(spec.initContainers ?? [])].find((c) => c.name === name)

/** Later sources win. k8s: all that fail are named together. */
async function projectedFiles(
  pod: Pod,
  sources: readonly VolumeProjection[],
  defaultMode: number,
  world: PayloadWorld,
): Promise<Files> {
  const files: Files = new Map()
  const failures: string[] = []
  for (const source of sources) {
    try {
      for (const [path, file] of await projectionFiles(pod, source, defaultMode, world)) files.set(path, file)
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  if (failures.length > 0) throw new Error(failures.length === 1 ? failures[0] : `[${failures.join(', ')}]`)
  return files
}

async function projectionFiles(
  pod: Pod,
  { configMap, secret, downwardAPI, ...rest }: VolumeProjection,
  defaultMode: number,
  world: PayloadWorld,
): Promise<Files> {
  if (configMap) return configMapFiles(pod, { ...sourceOf({ ...configMap, defaultMode }), name: configMap.name ?? '' }, world)
  if (secret) return secretFiles(pod, { ...sourceOf({ ...secret, defaultMode }), name: secret.name ?? '' }, world)
  if (downwardAPI) return downwardFiles(pod, downwardAPI.items ?? [], defaultMode, world)
  throw new Error(`projected source ${Object.keys(rest)[0] ?? '(none)'} is not supported by this node`)
}

/** The API server refuses these already; a kubelet that serves another control plane must not trust that. */
function safePath(path: string): string {
  const parts = path.split('/')
  if (path === '' || path.startsWith('/') || parts.includes('..')) throw new Error(`invalid path ${JSON.stringify(path)}`)
  if (path.startsWith('..')) throw new Error(`invalid path: must not start with '..': ${path}`)
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}
