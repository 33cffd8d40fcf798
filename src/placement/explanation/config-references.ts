// ConfigMaps and Secrets that a Pod names, and which of them are not there. Volumes of kinds that no node here can mount, too.
import { ConfigMap } from '../../api/core/config-map.ts'
import type { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import { own } from '../../api/own.ts'
import { type Facts, find, namespaceOf } from './facts.ts'

type ConfigKind = typeof ConfigMap | typeof Secret

interface Reference {
  kind: ConfigKind
  name: string
  /** Those that have to be there. */
  keys: readonly string[]
  optional: boolean
  /** JSON pointer of the field that names it, from the Pod. */
  path: string
  /** `volume "config"`, `env GREETING of container "web"`. */
  where: string
}

export interface MissingConfig extends Omit<Reference, 'optional'> {
  /** The object is there, and lacks these keys. */
  isThere: boolean
}

interface Source {
  name?: string | undefined
  secretName?: string | undefined
  key?: string | undefined
  items?: readonly { key: string }[] | undefined
  optional?: boolean | undefined
}

function referenceTo(kind: ConfigKind, source: Source | undefined, path: string, where: string): Reference[] {
  if (!source) return []
  const keys = source.key === undefined ? (source.items ?? []).map(({ key }) => key) : [source.key]
  const name = source.secretName ?? source.name ?? ''
  return [{ kind, name, keys, optional: source.optional ?? false, path, where }]
}

function containerReferences({ spec }: Pod): Reference[] {
  const groups = [
    ['initContainers', spec.initContainers ?? []],
    ['containers', spec.containers],
  ] as const
  return groups.flatMap(([group, containers]) =>
    containers.flatMap(({ name, env = [], envFrom = [] }, i) => {
      const at = `/spec/${group}/${i}`
      return [
        ...env.flatMap(({ name: variable, valueFrom }, j) => {
          const [path, where] = [`${at}/env/${j}/valueFrom`, `env ${variable} of container "${name}"`]
          return [
            ...referenceTo(ConfigMap, valueFrom?.configMapKeyRef, `${path}/configMapKeyRef`, where),
            ...referenceTo(Secret, valueFrom?.secretKeyRef, `${path}/secretKeyRef`, where),
          ]
        }),
        ...envFrom.flatMap(({ configMapRef, secretRef }, j) => {
          const [path, where] = [`${at}/envFrom/${j}`, `envFrom of container "${name}"`]
          return [
            ...referenceTo(ConfigMap, configMapRef, `${path}/configMapRef`, where),
            ...referenceTo(Secret, secretRef, `${path}/secretRef`, where),
          ]
        }),
      ]
    }),
  )
}

const volumeReferences = ({ spec }: Pod): Reference[] =>
  (spec.volumes ?? []).flatMap(({ name, configMap, secret, projected }, i) => {
    const [at, where] = [`/spec/volumes/${i}`, `volume "${name}"`]
    return [
      ...referenceTo(ConfigMap, configMap, `${at}/configMap`, where),
      ...referenceTo(Secret, secret, `${at}/secret`, where),
      ...(projected?.sources ?? []).flatMap((source, j) => [
        ...referenceTo(ConfigMap, source.configMap, `${at}/projected/sources/${j}/configMap`, where),
        ...referenceTo(Secret, source.secret, `${at}/projected/sources/${j}/secret`, where),
      ]),
    ]
  })

/** What the kubelet will wait for. Pull secrets are not among it: the kubelet goes on without them. */
export function missingConfigs(facts: Facts, pod: Pod): MissingConfig[] {
  const namespace = namespaceOf(pod)
  return [...volumeReferences(pod), ...containerReferences(pod)].flatMap(({ optional, ...reference }): MissingConfig[] => {
    if (optional) return []
    const found = find(facts, reference.kind, { namespace, name: reference.name })
    if (!found) return [{ ...reference, isThere: false }]
    const keys = reference.keys.filter((key) => own(found.data, key) === undefined && own(binaryOf(found), key) === undefined)
    return keys.length === 0 ? [] : [{ ...reference, keys, isThere: true }]
  })
}

const binaryOf = (found: ConfigMap | Secret) => ('binaryData' in found ? found.binaryData : undefined)

const mountable = new Set(['name', 'emptyDir', 'hostPath', 'configMap', 'secret', 'downwardAPI', 'projected'])

export interface UnmountableVolume {
  name: string
  /** `persistentVolumeClaim`. */
  source: string
  path: string
}

/** Volumes that wait for a driver nobody has. */
export const unmountableVolumes = ({ spec }: Pod): UnmountableVolume[] =>
  (spec.volumes ?? []).flatMap((volume, i) => {
    const source = Object.keys(volume).find((key) => !mountable.has(key) && volume[key as keyof typeof volume] !== undefined)
    return source === undefined ? [] : [{ name: volume.name, source, path: `/spec/volumes/${i}` }]
  })
