// Volume sources that the kubelet here cannot mount. JSON keeps them as they came; to read protobuf they must be known.
import { labelSelector } from '../label-selector.ts'
import { objectMeta } from '../meta.ts'
import { bool, embedded, integer, listOf, mapOf, object, optional, pointer, quantity, text } from '../schema.ts'
import { localObjectReference } from '../core/object-reference.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const awsElasticBlockStoreVolumeSource = object(
  { volumeID: text(), fsType: optional(text()), partition: optional(integer()), readOnly: optional(bool()) },
  name('AWSElasticBlockStoreVolumeSource'),
)
const azureDiskVolumeSource = object(
  {
    diskName: text(),
    diskURI: text(),
    cachingMode: pointer(text()),
    fsType: pointer(text()),
    readOnly: pointer(bool()),
    kind: pointer(text()),
  },
  name('AzureDiskVolumeSource'),
)
const azureFileVolumeSource = object(
  { secretName: text(), shareName: text(), readOnly: optional(bool()) },
  name('AzureFileVolumeSource'),
)
const cephFSVolumeSource = object(
  {
    monitors: listOf(text()),
    path: optional(text()),
    user: optional(text()),
    secretFile: optional(text()),
    secretRef: pointer(localObjectReference),
    readOnly: optional(bool()),
  },
  name('CephFSVolumeSource'),
)
const cinderVolumeSource = object(
  { volumeID: text(), fsType: optional(text()), readOnly: optional(bool()), secretRef: pointer(localObjectReference) },
  name('CinderVolumeSource'),
)
const csiVolumeSource = object(
  {
    driver: text(),
    readOnly: pointer(bool()),
    fsType: pointer(text()),
    volumeAttributes: optional(mapOf(text())),
    nodePublishSecretRef: pointer(localObjectReference),
  },
  name('CSIVolumeSource'),
)
const volumeResourceRequirements = object(
  { limits: optional(mapOf(quantity())), requests: optional(mapOf(quantity())) },
  name('VolumeResourceRequirements'),
)
const typedLocalObjectReference = object(
  { apiGroup: pointer(text()), kind: text(), name: text() },
  name('TypedLocalObjectReference'),
)
const typedObjectReference = object(
  { apiGroup: pointer(text()), kind: text(), name: text(), namespace: pointer(text()) },
  name('TypedObjectReference'),
)
const persistentVolumeClaimSpec = object(
  {
    accessModes: optional(listOf(text())),
    selector: pointer(labelSelector),
    resources: embedded(volumeResourceRequirements),
    volumeName: optional(text()),
    storageClassName: pointer(text()),
    volumeMode: pointer(text()),
    dataSource: pointer(typedLocalObjectReference),
    dataSourceRef: pointer(typedObjectReference),
    volumeAttributesClassName: pointer(text()),
  },
  name('PersistentVolumeClaimSpec'),
)
const persistentVolumeClaimTemplate = object(
  { metadata: embedded(objectMeta), spec: embedded(persistentVolumeClaimSpec) },
  name('PersistentVolumeClaimTemplate'),
)
const ephemeralVolumeSource = object(
  { volumeClaimTemplate: pointer(persistentVolumeClaimTemplate) },
  name('EphemeralVolumeSource'),
)
const fcVolumeSource = object(
  {
    targetWWNs: optional(listOf(text())),
    lun: pointer(integer()),
    fsType: optional(text()),
    readOnly: optional(bool()),
    wwids: optional(listOf(text())),
  },
  name('FCVolumeSource'),
)
const flexVolumeSource = object(
  {
    driver: text(),
    fsType: optional(text()),
    secretRef: pointer(localObjectReference),
    readOnly: optional(bool()),
    options: optional(mapOf(text())),
  },
  name('FlexVolumeSource'),
)
const flockerVolumeSource = object({ datasetName: optional(text()), datasetUUID: optional(text()) }, name('FlockerVolumeSource'))
const gcePersistentDiskVolumeSource = object(
  { pdName: text(), fsType: optional(text()), partition: optional(integer()), readOnly: optional(bool()) },
  name('GCEPersistentDiskVolumeSource'),
)
const gitRepoVolumeSource = object(
  { repository: text(), revision: optional(text()), directory: optional(text()) },
  name('GitRepoVolumeSource'),
)
const glusterfsVolumeSource = object(
  { endpoints: text(), path: text(), readOnly: optional(bool()) },
  name('GlusterfsVolumeSource'),
)
const imageVolumeSource = object({ reference: optional(text()), pullPolicy: optional(text()) }, name('ImageVolumeSource'))
const iscsiVolumeSource = object(
  {
    targetPortal: text(),
    iqn: text(),
    lun: integer(),
    iscsiInterface: optional(text()),
    fsType: optional(text()),
    readOnly: optional(bool()),
    portals: optional(listOf(text())),
    chapAuthDiscovery: optional(bool()),
    chapAuthSession: optional(bool()),
    secretRef: pointer(localObjectReference),
    initiatorName: pointer(text()),
  },
  name('ISCSIVolumeSource'),
)
const nfsVolumeSource = object({ server: text(), path: text(), readOnly: optional(bool()) }, name('NFSVolumeSource'))
const persistentVolumeClaimVolumeSource = object(
  { claimName: text(), readOnly: optional(bool()) },
  name('PersistentVolumeClaimVolumeSource'),
)
const photonPersistentDiskVolumeSource = object(
  { pdID: text(), fsType: optional(text()) },
  name('PhotonPersistentDiskVolumeSource'),
)
const portworxVolumeSource = object(
  { volumeID: text(), fsType: optional(text()), readOnly: optional(bool()) },
  name('PortworxVolumeSource'),
)
const quobyteVolumeSource = object(
  {
    registry: text(),
    volume: text(),
    readOnly: optional(bool()),
    user: optional(text()),
    group: optional(text()),
    tenant: optional(text()),
  },
  name('QuobyteVolumeSource'),
)
const rbdVolumeSource = object(
  {
    monitors: listOf(text()),
    image: text(),
    fsType: optional(text()),
    pool: optional(text()),
    user: optional(text()),
    keyring: optional(text()),
    secretRef: pointer(localObjectReference),
    readOnly: optional(bool()),
  },
  name('RBDVolumeSource'),
)
const scaleIOVolumeSource = object(
  {
    gateway: text(),
    system: text(),
    secretRef: pointer(localObjectReference),
    sslEnabled: optional(bool()),
    protectionDomain: optional(text()),
    storagePool: optional(text()),
    storageMode: optional(text()),
    volumeName: optional(text()),
    fsType: optional(text()),
    readOnly: optional(bool()),
  },
  name('ScaleIOVolumeSource'),
)
const storageOSVolumeSource = object(
  {
    volumeName: optional(text()),
    volumeNamespace: optional(text()),
    fsType: optional(text()),
    readOnly: optional(bool()),
    secretRef: pointer(localObjectReference),
  },
  name('StorageOSVolumeSource'),
)
const vsphereVirtualDiskVolumeSource = object(
  { volumePath: text(), fsType: optional(text()), storagePolicyName: optional(text()), storagePolicyID: optional(text()) },
  name('VsphereVirtualDiskVolumeSource'),
)
const clusterTrustBundleProjection = object(
  {
    name: pointer(text()),
    signerName: pointer(text()),
    labelSelector: pointer(labelSelector),
    optional: pointer(bool()),
    path: text(),
  },
  name('ClusterTrustBundleProjection'),
)

/** By the field of a Volume, or of a VolumeProjection. */
export const foreignVolumes = {
  awsElasticBlockStore: awsElasticBlockStoreVolumeSource,
  azureDisk: azureDiskVolumeSource,
  azureFile: azureFileVolumeSource,
  cephfs: cephFSVolumeSource,
  cinder: cinderVolumeSource,
  csi: csiVolumeSource,
  ephemeral: ephemeralVolumeSource,
  fc: fcVolumeSource,
  flexVolume: flexVolumeSource,
  flocker: flockerVolumeSource,
  gcePersistentDisk: gcePersistentDiskVolumeSource,
  gitRepo: gitRepoVolumeSource,
  glusterfs: glusterfsVolumeSource,
  image: imageVolumeSource,
  iscsi: iscsiVolumeSource,
  nfs: nfsVolumeSource,
  persistentVolumeClaim: persistentVolumeClaimVolumeSource,
  photonPersistentDisk: photonPersistentDiskVolumeSource,
  portworxVolume: portworxVolumeSource,
  quobyte: quobyteVolumeSource,
  rbd: rbdVolumeSource,
  scaleIO: scaleIOVolumeSource,
  storageos: storageOSVolumeSource,
  vsphereVolume: vsphereVirtualDiskVolumeSource,
  clusterTrustBundle: clusterTrustBundleProjection,
}
