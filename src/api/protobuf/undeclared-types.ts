// Types of the fields that the schema keeps as any JSON. JSON needs no more; to read protobuf they must be known.
import { anyJson, type AnyType, bool, integer, listOf, object, optional, pointer, text, time } from '../schema.ts'
import { deleteOptions } from './delete-options.ts'
import { foreignVolumes } from './foreign-volumes.ts'

const name = (kind: string) => ({ name: `io.k8s.api.core.v1.${kind}` })

const managedFieldsEntry = object(
  {
    manager: optional(text()),
    operation: optional(text()),
    apiVersion: optional(text()),
    time: pointer(time()),
    fieldsType: optional(text()),
    fieldsV1: pointer(anyJson()),
    subresource: optional(text()),
  },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry' },
)
const clientIPConfig = object({ timeoutSeconds: pointer(integer()) }, name('ClientIPConfig'))
const sessionAffinityConfig = object({ clientIP: pointer(clientIPConfig) }, name('SessionAffinityConfig'))
const linuxContainerUser = object(
  { uid: integer('int64'), gid: integer('int64'), supplementalGroups: optional(listOf(integer('int64'))) },
  name('LinuxContainerUser'),
)
const containerUser = object({ linux: pointer(linuxContainerUser) }, name('ContainerUser'))
const resourceHealth = object({ resourceID: text(), health: optional(text()) }, name('ResourceHealth'))
const resourceStatus = object({ name: text(), resources: optional(listOf(resourceHealth)) }, name('ResourceStatus'))
const podResourceClaimStatus = object({ name: text(), resourceClaimName: pointer(text()) }, name('PodResourceClaimStatus'))
const windowsSecurityContextOptions = object(
  {
    gmsaCredentialSpecName: pointer(text()),
    gmsaCredentialSpec: pointer(text()),
    runAsUserName: pointer(text()),
    hostProcess: pointer(bool()),
  },
  name('WindowsSecurityContextOptions'),
)
const podResourceClaim = object(
  { name: text(), resourceClaimName: pointer(text()), resourceClaimTemplateName: pointer(text()) },
  name('PodResourceClaim'),
)
const configMapNodeConfigSource = object(
  { namespace: text(), name: text(), uid: optional(text()), resourceVersion: optional(text()), kubeletConfigKey: text() },
  name('ConfigMapNodeConfigSource'),
)
const nodeConfigSource = object({ configMap: pointer(configMapNodeConfigSource) }, name('NodeConfigSource'))
const attachedVolume = object({ name: text(), devicePath: text() }, name('AttachedVolume'))
const nodeConfigStatus = object(
  {
    assigned: pointer(nodeConfigSource),
    active: pointer(nodeConfigSource),
    lastKnownGood: pointer(nodeConfigSource),
    error: optional(text()),
  },
  name('NodeConfigStatus'),
)

const core = 'io.k8s.api.core.v1'
const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1'
/** As a message inside another, where the numbers are found by name. */
const deleteOptionsNamed: AnyType = { ...deleteOptions, openapi: { $ref: `${meta}.DeleteOptions` } }
const { clusterTrustBundle, ...volumeSources } = foreignVolumes

/** By type and field: what one item of it is. */
const undeclared: Readonly<Record<string, Readonly<Record<string, AnyType>>>> = {
  [`${core}.Volume`]: volumeSources,
  [`${core}.VolumeProjection`]: { clusterTrustBundle },
  [`${core}.PodSpec`]: { resourceClaims: podResourceClaim },
  [`${core}.PodSecurityContext`]: { windowsOptions: windowsSecurityContextOptions },
  [`${core}.SecurityContext`]: { windowsOptions: windowsSecurityContextOptions },
  [`${core}.PodStatus`]: { resourceClaimStatuses: podResourceClaimStatus },
  [`${core}.ContainerStatus`]: { user: containerUser, allocatedResourcesStatus: resourceStatus },
  [`${core}.NodeSpec`]: { configSource: nodeConfigSource },
  [`${core}.NodeStatus`]: { volumesAttached: attachedVolume, config: nodeConfigStatus },
  [`${core}.ServiceSpec`]: { sessionAffinityConfig },
  'io.k8s.api.policy.v1.Eviction': { deleteOptions: deleteOptionsNamed },
  [`${meta}.ObjectMeta`]: { managedFields: managedFieldsEntry },
}

/** What stands in a field that the schema keeps as any JSON. */
export const undeclaredType = (typeName: string, field: string): AnyType | undefined => undeclared[typeName]?.[field]
