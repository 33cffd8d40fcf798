// What a Pod asks of a node, and who says so: the Pod itself, its RuntimeClass, or admission.
import type { Pod } from '../../api/core/pod.ts'
import type { Toleration } from '../../api/core/toleration.ts'
import { own } from '../../api/own.ts'
import { admissionNoteOf } from '../../api/polypod/trace-notes.ts'
import type { AskedOfNode } from '../../api/polypod/pod-explanation.ts'
import { amountText } from '../../ledger/amounts.ts'
import { podLedger } from '../../ledger/pod-ledger.ts'
import { asWritten, isAdded, lentTo } from './as-written.ts'
import { classOf, type Facts } from './facts.ts'

export interface Origins {
  /** Of a key of the merged nodeSelector. */
  ofSelector(key: string): string
  ofToleration(toleration: Toleration): string
  ofOverhead: string
}

const thePod = 'Pod'

/** `pod` is the one after admission. */
export function originsOf(facts: Facts, pod: Pod): Origins {
  const written = asWritten(facts)
  const runtimeClass = classOf(facts, pod)
  const lent = lentTo(pod, runtimeClass)
  const className = admissionNoteOf(pod)?.class ?? runtimeClass?.metadata.name
  const theClass = className === undefined ? thePod : `RuntimeClass ${className}`
  const demanded = runtimeClass?.scheduling?.nodeSelector
  const ownTolerations = new Set((written.spec.tolerations ?? []).map(tolerationText))
  return {
    ofSelector(key) {
      const isOwn = own(written.spec.nodeSelector, key) !== undefined
      if (!isOwn) return own(lent.nodeSelector, key) === undefined ? thePod : theClass
      return own(demanded, key) === undefined ? thePod : `${thePod} and ${theClass}`
    },
    ofToleration(toleration) {
      if (ownTolerations.has(tolerationText(toleration))) return thePod
      if ((lent.tolerations ?? []).map(tolerationText).includes(tolerationText(toleration))) return theClass
      return isAdded(toleration) ? 'DefaultTolerationSeconds' : 'admission'
    },
    ofOverhead: theClass,
  }
}

/** `dedicated=gpu:NoSchedule`, `node.kubernetes.io/not-ready:NoExecute for 300s`, `*` for every taint. */
function tolerationText({ key, operator, value, effect, tolerationSeconds }: Toleration): string {
  const what = key ? (operator === 'Exists' ? key : `${key}=${value ?? ''}`) : '*'
  return `${what}${effect ? `:${effect}` : ''}${tolerationSeconds === undefined ? '' : ` for ${tolerationSeconds}s`}`
}

export function askedOfNode(facts: Facts, pod: Pod): AskedOfNode[] {
  const origins = originsOf(facts, pod)
  const { nodeSelector = {}, tolerations = [], affinity, nodeName } = pod.spec
  const { base, overhead, total } = podLedger(pod, 'requests')
  const requests = [...total].map(([resource, amount]): AskedOfNode => {
    const extra = overhead.get(resource) ?? 0n
    const sum = `${resource} ${amountText(resource, amount)}`
    if (extra === 0n) return { field: 'requests', value: sum, from: thePod }
    const parts = `${amountText(resource, base.get(resource) ?? 0n)} + ${amountText(resource, extra)} overhead`
    return { field: 'requests', value: `${sum} = ${parts}`, from: `${thePod} + ${origins.ofOverhead}` }
  })
  return [
    ...(nodeName && !facts.isCreated ? [{ field: 'nodeName', value: nodeName, from: thePod }] : []),
    ...Object.entries(nodeSelector).map(([key, value]) => ({
      ...{ field: 'nodeSelector', value: `${key}=${value}`, from: origins.ofSelector(key) },
    })),
    ...(affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []).map((term) => ({
      ...{ field: 'nodeAffinity', value: termText(term), from: thePod },
    })),
    ...tolerations.map((one) => ({ field: 'toleration', value: tolerationText(one), from: origins.ofToleration(one) })),
    ...requests,
  ]
}

interface Term {
  matchExpressions?: readonly Requirement[] | undefined
  matchFields?: readonly Requirement[] | undefined
}
interface Requirement {
  key: string
  operator: string
  values?: readonly string[] | undefined
}

/** `zone In [a b], disk Exists`. */
export const termText = ({ matchExpressions = [], matchFields = [] }: Term): string =>
  [...matchExpressions, ...matchFields]
    .map(({ key, operator, values }) => `${key} ${operator}${values?.length ? ` [${values.join(' ')}]` : ''}`)
    .join(', ')
