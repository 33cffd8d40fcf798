// Causes: what is in a Pod's way, in words.
import { Namespace } from '../../api/core/namespace.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { PodCause } from '../../api/polypod/pod-explanation.ts'
import type { Refusal } from '../prepared.ts'
import { amountText } from '../../ledger/amounts.ts'
import { podLedger } from '../../ledger/pod-ledger.ts'
import { classOf, type Facts, find, namespaceOf } from './facts.ts'
import { refusalText } from './node-text.ts'
import type { Observed } from './observed.ts'
import type { Blocker, Outlook } from './outlook.ts'

export const causesOf = (facts: Facts, outlook: Outlook): PodCause[] =>
  outlook.blockers.flatMap((blocker) => causeOf(facts, outlook.pod, blocker))

function causeOf(facts: Facts, pod: Pod, blocker: Blocker): PodCause[] {
  switch (blocker.is) {
    case 'Admission': {
      const { message = '' } = blocker.refused
      const type = admissionType(facts, message)
      return [{ type, message: type === 'Quota' ? `${message}${overheadShare(facts, pod)}` : message }]
    }
    case 'Deleting':
      return [{ type: 'Deleting', message: deletingText(blocker) }]
    case 'SchedulingGates':
      return [{ type: 'SchedulingGates', message: `it is gated by ${blocker.gates.join(', ')}: no scheduler looks at it` }]
    case 'SchedulerName':
      return [
        { type: 'SchedulerName', message: `it waits for scheduler "${blocker.name}"; the one here is "${facts.schedulerName}"` },
      ]
    case 'NoNodes':
      return [{ type: 'NoNodes', message: 'the cluster has no nodes' }]
    case 'Unplaced':
      return unplacedCauses(facts, pod, blocker)
    case 'Preempting':
      return [{ type: 'Preempting', message: preemptingText(blocker), nodes: [blocker.node] }]
    case 'NodeGone':
      return [{ type: 'NodeGone', message: `there is no node ${blocker.node}`, nodes: [blocker.node] }]
    case 'NodeNotReady':
      return [{ type: 'NodeNotReady', message: `node ${blocker.node} is not ready: ${blocker.message}`, nodes: [blocker.node] }]
    case 'NodeRefuses':
      return [
        {
          type: blocker.refused.reason,
          message: `node ${blocker.node} would refuse it: ${blocker.refused.message}`,
          nodes: [blocker.node],
        },
      ]
    case 'Config': {
      const { kind, name, keys, isThere, where } = blocker.missing
      const what = isThere ? `${kind.kind} ${name} has no ${keys.join(', ')}` : `there is no ${kind.kind} ${name}`
      return [{ type: kind.kind, message: `${what} in namespace ${namespaceOf(pod)}, which ${where} wants` }]
    }
    case 'UnmountableVolume': {
      const { name, source } = blocker.volume
      return [{ type: 'Volume', message: `volume "${name}" is a ${source}, which no node here can mount` }]
    }
    case 'Observed':
      return [observedCause(blocker.observed, pod)]
  }
}

/** By what is missing, else by the words of the refusal. */
function admissionType(facts: Facts, message: string): string {
  if (!find(facts, Namespace, { name: namespaceOf(facts.pod) })) return 'Namespace'
  return words.find(([pattern]) => pattern.test(message))?.[1] ?? 'Admission'
}

const words: readonly (readonly [RegExp, string])[] = [
  [/exceeded quota|failed quota|status unknown for quota/, 'Quota'],
  [/PriorityClass|priority/i, 'Priority'],
  [/service ?account/i, 'ServiceAccount'],
  [/RuntimeClass|Overhead|runtimeClass/, 'RuntimeClass'],
  [/usage per (Pod|Container)|limit to request ratio/, 'LimitRange'],
  [/already exists/, 'AlreadyExists'],
  [/is invalid:/, 'Invalid'],
]

/** Ours: what of the amounts asked for is overhead. Nothing when none is. */
function overheadShare(facts: Facts, pod: Pod): string {
  const { overhead } = podLedger(pod, 'requests')
  const parts = [...overhead].map(([resource, amount]) => `${resource} ${amountText(resource, amount)}`)
  if (parts.length === 0) return ''
  return `; of what it requests, ${parts.join(' and ')} is overhead of RuntimeClass ${classOf(facts, pod)?.metadata.name}`
}

function deletingText({ since, finalizers }: Extract<Blocker, { is: 'Deleting' }>): string {
  const held = finalizers.length === 0 ? '' : `; finalizers ${finalizers.join(', ')} have to be taken away by who set them`
  return `it is being deleted since ${since}${held}`
}

const preemptingText = ({ node, victims }: Extract<Blocker, { is: 'Preempting' }>): string =>
  `it takes the place of ${victims.join(', ')} on ${node}, and waits until they have gone`

/** Nodes that refuse for the same reason, in the same words, together. */
function unplacedCauses(facts: Facts, pod: Pod, blocker: Extract<Blocker, { is: 'Unplaced' }>): PodCause[] {
  const { unplaced, refusals } = blocker
  const { rejected, nodes } = unplaced
  const ofAll: PodCause[] = rejected ? [{ type: rejected.filter, message: rejected.reason.text }] : []
  const groups = new Map<string, Refusal[]>()
  for (const refusal of refusals) {
    const key = `${refusal.filter}\n${refusalText(facts, pod, refusal).join('; ')}`
    groups.set(key, [...(groups.get(key) ?? []), refusal])
  }
  const ofNodes = [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([key, alike]) => {
      const [filter = '', text = ''] = key.split('\n')
      const names = alike.map(({ node }) => node.name)
      return { type: filter, message: `${whichNodes(names, nodes)}: ${text}`, nodes: names }
    })
  return [...ofAll, ...ofNodes]
}

const mostNamed = 3
const whichNodes = (names: readonly string[], all: number): string =>
  names.length <= mostNamed ? names.join(', ') : `${names.length} of ${all} nodes`

function observedCause({ type, reason, message, container }: Observed, pod: Pod): PodCause {
  const node = pod.spec.nodeName
  const texts: Record<Observed['type'], string> = {
    Image: `image of container "${container}": ${reason}: ${message}`,
    Sandbox: `its sandbox cannot be made on ${node}: ${message}`,
    CrashLoop: `container "${container}" ends again and again: ${message}`,
    ContainerStart: `container "${container}" does not start: ${reason}: ${message}`,
    Volume: `its volumes cannot be mounted on ${node}: ${message}`,
    NotReady: container === undefined ? message : `container "${container}" runs and is not ready: ${message}`,
    Failed: `it has failed: ${reason}${message === '' ? '' : `: ${message}`}`,
    Network: `the network of ${node} is not ready: ${message}`,
  }
  return { type, message: texts[type], ...(node ? { nodes: [node] } : {}) }
}
