// PodExplanation: why a Pod waits or is stuck, and what would let it run. Computed when asked for; never stored.
import { kind, type ObjectOf } from '../kind.ts'
import { anyJson, bool, type Infer, listOf, object, optional, pointer, text } from '../schema.ts'

const name = (of: string) => ({ name: `dev.polypod.v1alpha1.${of}` })

/** `field`: nodeName, nodeSelector, nodeAffinity, toleration or requests (overhead included). `from`: who said so. */
const askedOfNode = object({ field: text(), value: text(), from: text() }, name('AskedOfNode'))

/** `type`: a word for programs, such as NodeAffinity, Quota or Image. `nodes`: those it is about; absent: all, or none. */
const cause = object({ type: text(), message: text(), nodes: optional(listOf(text())) }, name('PodCause'))

const nodeVerdict = object({ name: text(), fits: bool(), reasons: optional(listOf(text())) }, name('NodeVerdict'))

/**
 * One write. `patch`: a JSON patch (RFC 6902) of the object that is named, or of the Pod's manifest where `recreate` says that the
 * Pod has to be made anew; `object`: what to create.
 */
const changeStep = object(
  {
    summary: text(),
    kind: text(),
    name: text(),
    namespace: optional(text()),
    recreate: optional(bool()),
    patch: pointer(anyJson()),
    object: pointer(anyJson()),
    /** For a shell, where one line of kubectl does it. */
    command: optional(text()),
  },
  name('PodChangeStep'),
)

/** Checked: with these steps done, admission, quotas and filters let the Pod run, on `node`. */
const change = object(
  {
    summary: text(),
    steps: listOf(changeStep),
    node: optional(text()),
    /** What only trying can tell. */
    unchecked: optional(listOf(text())),
  },
  name('PodChange'),
)

export type Verdict = 'Refused' | 'Waits' | 'Stuck' | 'Starts' | 'Runs' | 'Ended'

const explanationStatus = object(
  {
    /** Refused: cannot be created. Waits: has no node. Stuck: has one and does not run well. Starts: nothing is in its way. */
    verdict: text(),
    summary: text(),
    node: optional(text()),
    runtimeClass: pointer(
      object({ name: text(), handler: optional(text()), from: optional(text()) }, name('ExplainedRuntimeClass')),
    ),
    asks: optional(listOf(askedOfNode)),
    causes: optional(listOf(cause)),
    nodes: optional(listOf(nodeVerdict)),
    /** The smallest first. */
    changes: optional(listOf(change)),
    /** What people may look at, where no change could be checked. */
    hints: optional(listOf(text())),
  },
  name('PodExplanationStatus'),
)

const explanationSpec = object(
  {
    /** A manifest, as for a create: what would become of it. */
    pod: pointer(anyJson()),
  },
  name('PodExplanationSpec'),
)

type Status = Infer<typeof explanationStatus>

export const PodExplanation = kind({
  ...{ group: 'polypod.dev', version: 'v1alpha1', kind: 'PodExplanation', plural: 'podexplanations', shortNames: ['why'] },
  scope: 'namespaced',
  openapiName: 'dev.polypod.v1alpha1.PodExplanation',
  without: ['delete', 'deletecollection', 'patch', 'update', 'watch'],
  fields: { spec: optional(explanationSpec), status: optional(explanationStatus) },
  columns: [
    { name: 'Verdict', cell: ({ status }) => status?.verdict ?? '' },
    { name: 'Node', cell: ({ status }) => status?.node ?? '<none>' },
    { name: 'Why', cell: ({ status }) => whyText(status) },
    { name: 'Change', wide: true, cell: ({ status }) => status?.changes?.[0]?.summary ?? '' },
  ],
})
export type PodExplanation = ObjectOf<typeof PodExplanation>
export type ExplanationStatus = Status
export type AskedOfNode = Infer<typeof askedOfNode>
export type PodCause = Infer<typeof cause>
export type NodeVerdict = Infer<typeof nodeVerdict>
export type PodChange = Infer<typeof change>
export type PodChangeStep = Infer<typeof changeStep>

/** Errors of registries and runtimes are long; the object has all of it. */
function whyText(status: Status | undefined): string {
  const text = status?.causes?.[0]?.message ?? status?.summary ?? ''
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}
