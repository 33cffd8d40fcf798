// Node selectors and required node affinity: labels that would satisfy them, and Pods that ask for less.
import type { NodeSelectorTerm } from '../../api/core/affinity.ts'
import type { Pod } from '../../api/core/pod.ts'
import { own } from '../../api/own.ts'
import { matchesNode, nodeTest } from '../node-selector.ts'
import type { NodeView } from '../node-view.ts'
import { asWritten } from './as-written.ts'
import { podStep, type Step } from './change.ts'
import type { Facts } from './facts.ts'

/** What the node would have to be labelled with; {} where no labels would do. */
export function labelsFor({ spec }: Pod, { labels, name }: NodeView): Record<string, string> {
  const selected = Object.entries(spec.nodeSelector ?? {}).filter(([key, value]) => own(labels, key) !== value)
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  const given = { ...labels, ...Object.fromEntries(selected) }
  if (!terms || terms.some((term) => matchesNode(nodeTest(term), name, given))) return Object.fromEntries(selected)
  const wanted = terms.map((term) => satisfying(term, given)).find((found) => found !== undefined)
  return wanted ? { ...Object.fromEntries(selected), ...wanted } : {}
}

/** Labels to add; undefined where adding is not enough. */
function satisfying({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm, labels: Readonly<Record<string, string>>) {
  if (matchFields.length > 0) return undefined
  const added: Record<string, string> = {}
  for (const { key, operator, values = [] } of matchExpressions) {
    const [first = ''] = values
    if (matchesNode(nodeTest({ matchExpressions: [{ key, operator, values }] }), '', labels)) continue
    if (operator === 'In') added[key] = first
    else if (operator === 'Exists') added[key] = 'true'
    else if (operator === 'Gt') added[key] = String(BigInt(first) + 1n)
    else if (operator === 'Lt') added[key] = String(BigInt(first) - 1n)
    else return undefined
  }
  return added
}

/** A Pod without its required node affinity. */
export function nodeTermsRemoved(facts: Facts): Step[] {
  if (!asWritten(facts).spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution) return []
  const path = '/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution'
  return [podStep(facts, { summary: 'remove the required node affinity', patch: [{ op: 'remove', path }], cost: 1 })]
}
