// The explanation of a Pod: facts in, causes and checked changes out. Pure but for asking admission.
import { Pod } from '../../api/core/pod.ts'
import type { ExplanationStatus, NodeVerdict, PodChange, PodChangeStep, Verdict } from '../../api/polypod/pod-explanation.ts'
import { admissionNoteOf, classGiver } from '../../api/polypod/trace-notes.ts'
import { causesOf } from './cause-text.ts'
import type { Step } from './change.ts'
import { type Around, classOf, type Facts } from './facts.ts'
import { hintsOf } from './hints.ts'
import { refusalText } from './node-text.ts'
import { askedOfNode } from './origins.ts'
import { isFree, type Outlook, nodeRefusals, outlookOf } from './outlook.ts'
import { type CheckedChange, checkedChanges } from './search.ts'

/** cost: some hundred decisions for a Pod that waits; one for a Pod that does not. */
export async function explain(facts: Facts, around: Around): Promise<ExplanationStatus> {
  const outlook = await outlookOf(facts, around.admit)
  const verdict = verdictOf(facts, outlook)
  const causes = causesOf(facts, outlook)
  const changes = isFree(outlook) || around.causesOnly ? [] : (await checkedChanges(facts, outlook, around)).map(changeOf)
  const hints = around.causesOnly ? [] : hintsOf(outlook, changes.length > 0)
  const nodes = nodeVerdicts(facts, outlook)
  return {
    verdict,
    summary: summaryOf(verdict, outlook, nodes),
    ...(outlook.node && verdict !== 'Waits' ? { node: outlook.node } : {}),
    ...runtimeClassOf(facts, outlook),
    asks: askedOfNode(facts, outlook.pod),
    ...(causes.length > 0 ? { causes } : {}),
    ...(nodes.length > 0 ? { nodes } : {}),
    ...(changes.length > 0 ? { changes } : {}),
    ...(hints.length > 0 ? { hints } : {}),
  }
}

function verdictOf(facts: Facts, outlook: Outlook): Verdict {
  const { phase } = outlook.pod.status
  const [first] = outlook.blockers
  if (first?.is === 'Admission') return 'Refused'
  if (facts.isCreated && (phase === 'Succeeded' || phase === 'Failed')) return 'Ended'
  if (outlook.node === undefined) return 'Waits'
  if (!first) return facts.isCreated && isReady(outlook.pod) ? 'Runs' : 'Starts'
  return facts.isCreated && !outlook.pod.spec.nodeName ? 'Waits' : 'Stuck'
}

const isReady = ({ status }: Pod): boolean =>
  status.conditions?.some(({ type, status: said }) => type === 'Ready' && said === 'True') ?? false

function summaryOf(verdict: Verdict, { node, blockers, pod }: Outlook, nodes: readonly NodeVerdict[]): string {
  const last = blockers[0]?.is
  switch (verdict) {
    case 'Refused':
      return 'it cannot be created'
    case 'Waits':
      if (last === 'Unplaced') return `no node fits (0 of ${nodes.length})`
      return last === 'Preempting' ? 'room is being made for it' : 'it waits before it is given a node'
    case 'Stuck':
      return pod.spec.nodeName ? `it is on ${node} and does not run as it should` : `it would go to ${node}, and not run there`
    case 'Starts':
      return pod.spec.nodeName ? `it is on ${node} and starts: nothing is in its way` : `it would run on ${node}`
    case 'Runs':
      return `it runs on ${node}`
    case 'Ended':
      return `it has ended: ${pod.status.phase}`
  }
}

function runtimeClassOf(facts: Facts, { pod }: Outlook): Pick<ExplanationStatus, 'runtimeClass'> {
  const name = pod.spec.runtimeClassName
  if (name === undefined) return {}
  const handler = classOf(facts, pod)?.handler
  const from = classGiver(admissionNoteOf(pod))
  return { runtimeClass: { name, ...(handler === undefined ? {} : { handler }), ...(from === undefined ? {} : { from }) } }
}

const nodeVerdicts = (facts: Facts, outlook: Outlook): NodeVerdict[] => {
  if (outlook.blockers[0]?.is === 'Admission') return []
  const rejected = outlook.blockers.find((one) => one.is === 'Unplaced')?.unplaced.rejected
  const ofAll = rejected ? [rejected.reason.text] : []
  return nodeRefusals(facts, outlook).map(({ view: { name }, refusals }) => {
    const reasons = [...ofAll, ...refusals.flatMap((refusal) => refusalText(facts, outlook.pod, refusal))]
    return reasons.length === 0 ? { name, fits: true } : { name, fits: false, reasons }
  })
}

function changeOf({ steps, node }: CheckedChange): PodChange {
  const unchecked = [...new Set(steps.flatMap((step) => step.unchecked ?? []))]
  return {
    summary: steps.map(({ summary }) => summary).join(', and '),
    steps: anew(steps).map(stepOf),
    ...(node === undefined ? {} : { node }),
    ...(unchecked.length > 0 ? { unchecked } : {}),
  }
}

/** A Pod that is made anew for one step is so for all of them: they change its manifest, in their order. */
function anew(steps: readonly Step[]): readonly Step[] {
  if (!steps.some(({ recreate }) => recreate)) return steps
  return steps.map((step) => (step.kind === Pod ? { ...step, recreate: true, command: undefined } : step))
}

const stepOf = ({ summary, kind, name, namespace, recreate, patch, object, command }: Step): PodChangeStep => ({
  ...{ summary, kind: kind.kind, name },
  ...(namespace === undefined ? {} : { namespace }),
  ...(recreate ? { recreate } : {}),
  ...(patch ? { patch } : {}),
  ...(object ? { object } : {}),
  ...(command === undefined ? {} : { command }),
})
