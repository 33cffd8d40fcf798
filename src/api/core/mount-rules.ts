// Where a container mounts the volumes of its Pod, and which of them it takes as block devices.
import { type FieldError, forbiddenField, invalid, notFoundField, required } from '../field-error.ts'
import type { Container, VolumeMount } from './container.ts'
import { backstepErrors, descendingPathErrors } from './path-rules.ts'
import type { Volume } from './volume.ts'

/** `volumes`: those of the Pod, by name. */
export function mountErrors(container: Container, volumes: ReadonlyMap<string, Volume>, field: string): FieldError[] {
  const { volumeMounts = [], volumeDevices = [] } = container
  const privileged = container.securityContext?.privileged === true
  const wrong: FieldError[] = []
  const taken = new Set<string>()
  for (const [i, mount] of volumeMounts.entries()) {
    const at = `${field}.volumeMounts[${i}]`
    if (!volumes.has(mount.name)) wrong.push(notFoundField(`${at}.name`, mount.name))
    if (taken.has(mount.mountPath)) wrong.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'))
    taken.add(mount.mountPath)
    if (volumeDevices.some(({ name }) => name === mount.name))
      wrong.push(invalid(`${at}.name`, mount.name, 'must not already exist in volumeDevices'))
    if (volumeDevices.some(({ devicePath }) => devicePath === mount.mountPath))
      wrong.push(invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'))
    wrong.push(...subPathErrors(mount, at), ...propagationErrors(mount, at, privileged))
  }
  return [...wrong, ...deviceErrors(container, volumes, field)]
}

function subPathErrors({ subPath, subPathExpr }: VolumeMount, at: string): FieldError[] {
  const wrong = subPath === undefined ? [] : descendingPathErrors(subPath, `${at}.subPath`)
  if (subPathExpr === undefined) return wrong
  if (subPath !== undefined)
    wrong.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'))
  return [...wrong, ...descendingPathErrors(subPathExpr, `${at}.subPathExpr`)]
}

function propagationErrors(mount: VolumeMount, at: string, privileged: boolean): FieldError[] {
  const { mountPropagation, recursiveReadOnly } = mount
  const wrong: FieldError[] = []
  if (mountPropagation === 'Bidirectional' && !privileged) {
    const why = 'Bidirectional mount propagation is available only to privileged containers'
    wrong.push(forbiddenField(`${at}.mountPropagation`, why))
  }
  if (recursiveReadOnly !== 'Enabled' && recursiveReadOnly !== 'IfPossible') return wrong
  const only = (when: string) => wrong.push(forbiddenField(`${at}.recursiveReadOnly`, `may only be specified when ${when}`))
  if (!mount.readOnly) only('readOnly is true')
  if (mountPropagation !== undefined && mountPropagation !== 'None') only('mountPropagation is None or not specified')
  return wrong
}

function deviceErrors(container: Container, volumes: ReadonlyMap<string, Volume>, field: string): FieldError[] {
  const wrong: FieldError[] = []
  const names = new Set<string>()
  const paths = new Set<string>()
  for (const [i, { name, devicePath }] of (container.volumeDevices ?? []).entries()) {
    const at = `${field}.volumeDevices[${i}]`
    const volume = volumes.get(name)
    if (name === '') wrong.push(required(`${at}.name`))
    if (names.has(name)) wrong.push(invalid(`${at}.name`, name, 'must be unique'))
    names.add(name)
    if (volume === undefined) wrong.push(notFoundField(`${at}.name`, name))
    else if (volume.persistentVolumeClaim === undefined && volume.ephemeral === undefined) {
      const why = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'
      wrong.push(invalid(`${at}.name`, name, why))
    }
    if (devicePath === '') wrong.push(required(`${at}.devicePath`))
    if (paths.has(devicePath)) wrong.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'))
    paths.add(devicePath)
    wrong.push(...backstepErrors(devicePath, `${at}.devicePath`))
  }
  return wrong
}
