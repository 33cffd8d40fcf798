// metrics.k8s.io/v1beta1: what Pods and nodes use now. Served out of measurements; never stored, never written.
import { kind } from '../kind.ts'
import { listOf, object, text, time } from '../schema.ts'
import { resourceList } from '../core/resources.ts'

const api = 'io.k8s.metrics.pkg.apis.metrics.v1beta1'
const without = ['create', 'delete', 'deletecollection', 'patch', 'update', 'watch'] as const
const group = { group: 'metrics.k8s.io', version: 'v1beta1' }

const containerMetrics = object({ name: text(), usage: resourceList }, { name: `${api}.ContainerMetrics` })

export const PodMetrics = kind({
  ...{ ...group, kind: 'PodMetrics', plural: 'pods', scope: 'namespaced', without },
  openapiName: `${api}.PodMetrics`,
  /** `window`: what the usage is the average of, ending at `timestamp`; a Go duration. */
  fields: { timestamp: time(), window: text(), containers: listOf(containerMetrics) },
})

export const NodeMetrics = kind({
  ...{ ...group, kind: 'NodeMetrics', plural: 'nodes', scope: 'cluster', without },
  openapiName: `${api}.NodeMetrics`,
  fields: { timestamp: time(), window: text(), usage: resourceList },
})

export const measuredKinds = [PodMetrics, NodeMetrics] as const

/** Annotation of a PodMetrics: what the Pod's sandbox uses and no container does, as a ResourceList in JSON. */
export const sandboxUsageAnnotation = 'polypod.dev/sandbox-usage'
