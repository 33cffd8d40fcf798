// What a planted situation is made of, and short ways to say it.

export interface Situation {
  name: string
  /** Created first, in this order, as `kind` says. */
  objects?: readonly Planted[]
  /** Merge patches of nodes, by name. */
  nodes?: Readonly<Record<string, object>>
  /** Deleted once the Pod is there. */
  gone?: { kind: string; name: string }
  /** Run before, and stay. */
  others?: readonly Planted[]
  pod: Planted
  /** Asked about, and not created. */
  isManifest?: true
  want: { verdict: string; cause: readonly [type: string, message: string]; change: string | undefined }
}

export interface Planted {
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  [field: string]: unknown
}

export const simulated = 'simulated.polypod.dev'
const namespace = 'default'
export const container = (more: object = {}) => ({ name: 'main', image: 'web:1', ...more })

export const pod = (spec: object = {}, metadata: Partial<Planted['metadata']> = {}): Planted => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', namespace, ...metadata },
  spec: { containers: [container()], ...spec },
})
export const requesting = (requests: object, limits?: object) => ({
  containers: [container({ resources: { requests, ...(limits ? { limits } : {}) } })],
})
export const runtimeClass = (name: string, more: object = {}): Planted => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler: name, ...more },
})
export const object = (kind: string, name: string, more: object = {}): Planted => ({
  kind,
  metadata: { name, namespace },
  ...more,
})
export const both = (patch: object) => ({ 'node-1': patch, 'node-2': patch })
export const labelled = (labels: object) => ({ metadata: { labels } })
export const tainted = { spec: { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] } }
export const quota = (hard: object) => object('ResourceQuota', 'budget', { spec: { hard } })
export const web = { labels: { app: 'web' } }
const selector = { labelSelector: { matchLabels: { app: 'web' } } }
export const apart = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ ...selector, topologyKey: 'kubernetes.io/hostname' }],
    },
  },
}
export const onPort = { containers: [container({ ports: [{ containerPort: 80, hostPort: 8080 }] })] }
export const spreadOver = (topologyKey: string) => ({
  topologySpreadConstraints: [{ ...selector, topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
})
