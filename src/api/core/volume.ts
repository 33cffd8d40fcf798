// Volumes of a Pod. Sources that the kubelet here cannot mount are kept whole and refused by the kubelet, not lost.
import { anyJson, bool, type Infer, integer, listOf, object, optional, pointer, quantity, text } from '../schema.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const keyToPath = object(
  { key: text({ required: true }), path: text({ required: true }), mode: pointer(integer()) },
  name('KeyToPath'),
)
const items = { items: optional(listOf(keyToPath)) }
const defaultMode = pointer(integer('int32', { default: 0o644 }))

export const objectFieldSelector = object(
  { apiVersion: optional(text({ default: 'v1' })), fieldPath: text({ required: true }) },
  { ...name('ObjectFieldSelector'), atomic: true },
)
export const resourceFieldSelector = object(
  { containerName: optional(text()), resource: text({ required: true }), divisor: optional(quantity({ default: '0' })) },
  { ...name('ResourceFieldSelector'), atomic: true },
)
const downwardFile = object(
  {
    path: text({ required: true }),
    fieldRef: pointer(objectFieldSelector),
    resourceFieldRef: pointer(resourceFieldSelector),
    mode: pointer(integer()),
  },
  name('DownwardAPIVolumeFile'),
)

const projection = object(
  {
    secret: pointer(object({ name: optional(text()), ...items, optional: pointer(bool()) }, name('SecretProjection'))),
    configMap: pointer(object({ name: optional(text()), ...items, optional: pointer(bool()) }, name('ConfigMapProjection'))),
    downwardAPI: pointer(object({ items: optional(listOf(downwardFile)) }, name('DownwardAPIProjection'))),
    serviceAccountToken: pointer(
      object(
        {
          audience: optional(text()),
          expirationSeconds: pointer(integer('int64', { default: 3600 })),
          path: text({ required: true }),
        },
        name('ServiceAccountTokenProjection'),
      ),
    ),
    clusterTrustBundle: pointer(anyJson()),
  },
  name('VolumeProjection'),
)

const foreign = pointer(anyJson())

export const volume = object(
  {
    name: text({ required: true }),
    emptyDir: pointer(object({ medium: optional(text()), sizeLimit: pointer(quantity()) }, name('EmptyDirVolumeSource'))),
    hostPath: pointer(
      object({ path: text({ required: true }), type: pointer(text({ default: '' })) }, name('HostPathVolumeSource')),
    ),
    configMap: pointer(
      object({ name: optional(text()), ...items, defaultMode, optional: pointer(bool()) }, name('ConfigMapVolumeSource')),
    ),
    secret: pointer(
      object({ secretName: optional(text()), ...items, defaultMode, optional: pointer(bool()) }, name('SecretVolumeSource')),
    ),
    downwardAPI: pointer(object({ items: optional(listOf(downwardFile)), defaultMode }, name('DownwardAPIVolumeSource'))),
    projected: pointer(object({ sources: optional(listOf(projection)), defaultMode }, name('ProjectedVolumeSource'))),
    awsElasticBlockStore: foreign,
    azureDisk: foreign,
    azureFile: foreign,
    cephfs: foreign,
    cinder: foreign,
    csi: foreign,
    ephemeral: foreign,
    fc: foreign,
    flexVolume: foreign,
    flocker: foreign,
    gcePersistentDisk: foreign,
    gitRepo: foreign,
    glusterfs: foreign,
    image: foreign,
    iscsi: foreign,
    nfs: foreign,
    persistentVolumeClaim: foreign,
    photonPersistentDisk: foreign,
    portworxVolume: foreign,
    quobyte: foreign,
    rbd: foreign,
    scaleIO: foreign,
    storageos: foreign,
    vsphereVolume: foreign,
  },
  {
    ...name('Volume'),
    retainKeys: true,
    // k8s: a volume without a source is an emptyDir
    complete(volume) {
      if (Object.keys(volume).length === 1) volume.emptyDir = {}
    },
  },
)
export type Volume = Infer<typeof volume>
export type KeyToPath = Infer<typeof keyToPath>
export type VolumeProjection = Infer<typeof projection>
export type DownwardFile = Infer<typeof downwardFile>
export type ObjectFieldSelector = Infer<typeof objectFieldSelector>
export type ResourceFieldSelector = Infer<typeof resourceFieldSelector>
