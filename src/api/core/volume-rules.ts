// Volumes of a Pod: one source each, and what that source must say.
import { duplicate, type FieldError, forbiddenField, invalid, invalidFor, notSupported, required } from '../field-error.ts'
import { configMapKey, dnsLabel } from '../name.ts'
import { nanoOf } from '../quantity.ts'
import { isRecord } from '../schema.ts'
import { fieldRefErrors, resourceFieldRefErrors, volumeFieldPaths } from './downward-rules.ts'
import { backstepErrors, fileModeErrors, volumeFilePathErrors } from './path-rules.ts'
import type { DownwardFile, KeyToPath, Volume, VolumeProjection } from './volume.ts'

export function volumeErrors(volumes: readonly Volume[] | undefined, field: string): FieldError[] {
  const wrong: FieldError[] = []
  const taken = new Set<string>()
  for (const [i, volume] of (volumes ?? []).entries()) {
    const at = `${field}[${i}]`
    wrong.push(...sourceErrors(volume, at))
    if (volume.name !== '') wrong.push(...invalidFor(`${at}.name`, volume.name, dnsLabel(volume.name)))
    if (taken.has(volume.name)) wrong.push(duplicate(`${at}.name`, volume.name))
    taken.add(volume.name)
  }
  return wrong
}

function sourceErrors(volume: Volume, at: string): FieldError[] {
  const { name: _, ...sources } = volume
  const [first, ...more] = Object.entries(sources).flatMap(([key, source]) => (source === undefined ? [] : [key]))
  if (first === undefined) return [required(at, 'must specify a volume type')]
  const wrong = more.map((key) => forbiddenField(`${at}.${key}`, 'may not specify more than 1 volume type'))
  return [...wrong, ...ownErrors(volume, at), ...foreignErrors(volume, at)]
}

function ownErrors(volume: Volume, at: string): FieldError[] {
  const { emptyDir, hostPath, configMap, secret, downwardAPI, projected } = volume
  const wrong: FieldError[] = []
  if (emptyDir?.sizeLimit !== undefined && nanoOf(emptyDir.sizeLimit) < 0n)
    wrong.push(forbiddenField(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity'))
  if (hostPath) wrong.push(...hostPathErrors(hostPath, `${at}.hostPath`))
  if (configMap) wrong.push(...namedErrors('name', configMap.name, configMap, `${at}.configMap`))
  if (secret) wrong.push(...namedErrors('secretName', secret.secretName, secret, `${at}.secret`))
  if (downwardAPI) {
    wrong.push(...fileModeErrors(downwardAPI.defaultMode, `${at}.downwardAPI.defaultMode`))
    wrong.push(...(downwardAPI.items ?? []).flatMap((file) => downwardErrors(file, `${at}.downwardAPI`)))
  }
  if (projected) {
    wrong.push(...fileModeErrors(projected.defaultMode, `${at}.projected.defaultMode`))
    wrong.push(...projectionErrors(projected.sources ?? [], `${at}.projected`))
  }
  return wrong
}

/** Sources nothing here can mount: only what a user would miss at once. */
function foreignErrors({ persistentVolumeClaim: claim, nfs }: Volume, at: string): FieldError[] {
  const lacking = (source: unknown, names: readonly string[]) =>
    isRecord(source) ? names.filter((name) => source[name] === undefined || source[name] === '') : []
  return [
    ...lacking(claim, ['claimName']).map((name) => required(`${at}.persistentVolumeClaim.${name}`)),
    ...lacking(nfs, ['server', 'path']).map((name) => required(`${at}.nfs.${name}`)),
  ]
}

const hostPathTypes = [...['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']]

const hostPathErrors = ({ path, type = '' }: { path: string; type?: string | undefined }, at: string): FieldError[] => [
  ...backstepErrors(path, `${at}.path`),
  ...(hostPathTypes.includes(type) ? [] : [notSupported(`${at}.type`, type, hostPathTypes)]),
]

interface Files {
  items?: KeyToPath[] | undefined
  defaultMode?: number | undefined
}

const namedErrors = (key: string, name: string | undefined, files: Files, at: string): FieldError[] => [
  ...(name === undefined ? [required(`${at}.${key}`)] : []),
  ...fileModeErrors(files.defaultMode, `${at}.defaultMode`),
  ...itemErrors(files.items, at),
]

const itemErrors = (items: readonly KeyToPath[] | undefined, at: string): FieldError[] =>
  (items ?? []).flatMap(({ key, path, mode }, i) => [
    ...(key === '' ? [] : invalidFor(`${at}.items[${i}].key`, key, configMapKey(key))),
    ...volumeFilePathErrors(path, `${at}.items[${i}].path`),
    ...fileModeErrors(mode, `${at}.items[${i}].mode`),
  ])

/** k8s: errors of these files name no index. */
function downwardErrors({ path, fieldRef, resourceFieldRef, mode }: DownwardFile, at: string): FieldError[] {
  const wrong = volumeFilePathErrors(path, `${at}.path`)
  if (fieldRef) {
    wrong.push(...fieldRefErrors(fieldRef, volumeFieldPaths, `${at}.fieldRef`))
    if (resourceFieldRef) wrong.push(invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'))
  } else if (resourceFieldRef) wrong.push(...resourceFieldRefErrors(resourceFieldRef, `${at}.resourceFieldRef`, true))
  else wrong.push(required(at, 'one of fieldRef and resourceFieldRef is required'))
  return [...wrong, ...fileModeErrors(mode, `${at}.mode`)]
}

function projectionErrors(sources: readonly VolumeProjection[], at: string): FieldError[] {
  const wrong: FieldError[] = []
  const taken = new Set<string>()
  // k8s: reported at the volume, by the name of what is projected
  const claim = (paths: readonly { path: string }[] | undefined, name?: string) => {
    for (const { path } of paths ?? []) {
      if (path !== '' && taken.has(path)) wrong.push(invalid(at, name ?? path, 'conflicting duplicate paths'))
      taken.add(path)
    }
  }
  for (const [i, source] of sources.entries()) {
    const here = `${at}.sources[${i}]`
    const given = Object.entries(source).flatMap(([key, projection]) => (projection === undefined ? [] : [key]))
    for (const key of given.slice(1)) wrong.push(forbiddenField(`${here}.${key}`, 'may not specify more than 1 volume type'))
    wrong.push(...oneProjectionErrors(source, here))
    claim(source.secret?.items, source.secret?.name)
    claim(source.configMap?.items, source.configMap?.name)
    claim(source.downwardAPI?.items)
    if (source.serviceAccountToken) claim([source.serviceAccountToken])
  }
  return wrong
}

function oneProjectionErrors(
  { secret, configMap, downwardAPI, serviceAccountToken }: VolumeProjection,
  at: string,
): FieldError[] {
  const wrong: FieldError[] = []
  if (secret) wrong.push(...namedErrors('name', secret.name, secret, `${at}.secret`))
  if (configMap) wrong.push(...namedErrors('name', configMap.name, configMap, `${at}.configMap`))
  for (const file of downwardAPI?.items ?? []) wrong.push(...downwardErrors(file, `${at}.downwardAPI`))
  if (!serviceAccountToken) return wrong
  const { path, expirationSeconds = 3600 } = serviceAccountToken
  const seconds = `${at}.serviceAccountToken.expirationSeconds`
  if (expirationSeconds < 600) wrong.push(invalid(seconds, expirationSeconds, 'may not specify a duration less than 10 minutes'))
  if (expirationSeconds > 2 ** 32)
    wrong.push(invalid(seconds, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'))
  return [...wrong, ...volumeFilePathErrors(path, `${at}.serviceAccountToken.path`)]
}
