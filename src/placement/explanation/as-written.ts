// A stored Pod as somebody may have written it: without what admission, scheduler and kubelet have added.
import { Pod } from '../../api/core/pod.ts'
import type { Toleration } from '../../api/core/toleration.ts'
import type { RuntimeClass } from '../../api/node/runtime-class.ts'
import { sameValue } from '../../api/equal.ts'
import { own } from '../../api/own.ts'
import { type AdmissionNote, admissionNoteOf } from '../../api/polypod/trace-notes.ts'
import { isRecord } from '../../api/schema.ts'
import { classOf, type Facts } from './facts.ts'

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
/** What the DefaultTolerationSeconds plugin adds. */
const addedKeys = new Set(['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'])

export const isAdded = ({ key, operator, effect, tolerationSeconds }: Toleration): boolean =>
  operator === 'Exists' && effect === 'NoExecute' && tolerationSeconds === 300 && addedKeys.has(key ?? '')

/** k8s: kubectl apply keeps the manifest in an annotation; it is exact where it is there. */
function appliedManifest({ metadata: { annotations, namespace } }: Pod): Pod | undefined {
  try {
    const manifest: unknown = JSON.parse(annotations?.[lastApplied] ?? '')
    if (!isRecord(manifest)) return undefined
    const pod = Pod.decode(manifest, { unknown: [] })
    return { ...pod, metadata: { ...pod.metadata, namespace, annotations: { ...annotations, ...pod.metadata.annotations } } }
  } catch {
    return undefined
  }
}

/** Where nobody noted a class's share, it cannot be told from the same written by hand: what both say is the class's. */
export function asWritten(facts: Facts): Pod {
  const { pod } = facts
  if (!facts.isCreated) return pod
  let manifest = known.get(facts)
  if (!manifest) known.set(facts, (manifest = appliedManifest(pod) ?? stripped(pod, lentTo(pod, classOf(facts, pod)))))
  return manifest
}

// asked for with every line that says where something comes from
const known = new WeakMap<Facts, Pod>()

type Lent = Pick<AdmissionNote, 'overhead' | 'nodeSelector' | 'tolerations' | 'from'>

/** What the Pod's class brought: as admission noted it, else what the class says now. */
export function lentTo(pod: Pod, runtimeClass: RuntimeClass | undefined): Lent {
  return admissionNoteOf(pod) ?? { overhead: runtimeClass?.overhead?.podFixed, ...runtimeClass?.scheduling }
}

function stripped(pod: Pod, lent: Lent): Pod {
  const { name, namespace, labels, annotations, ownerReferences } = pod.metadata
  const { nodeName: _node, priority: _priority, preemptionPolicy: _policy, overhead, runtimeClassName, ...spec } = pod.spec
  const nodeSelector = Object.fromEntries(
    Object.entries(spec.nodeSelector ?? {}).filter(([key, value]) => own(lent.nodeSelector, key) !== value),
  )
  const isLent = (one: Toleration) => lent.tolerations?.some((other) => sameValue(one, other)) ?? false
  const tolerations = (spec.tolerations ?? []).filter((one) => !isAdded(one) && !isLent(one))
  const { nodeSelector: _selector, tolerations: _tolerations, ...rest } = spec
  return Pod.decode(
    {
      metadata: { name, namespace, labels, annotations, ownerReferences },
      spec: {
        ...rest,
        ...(runtimeClassName !== undefined && !lent.from ? { runtimeClassName } : {}),
        ...(overhead && !lent.overhead ? { overhead } : {}),
        ...(Object.keys(nodeSelector).length > 0 ? { nodeSelector } : {}),
        ...(tolerations.length > 0 ? { tolerations } : {}),
      },
    },
    { unknown: [] },
  )
}
