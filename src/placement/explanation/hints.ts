// What people may look at or do themselves, where no change of an object helps.
import type { Refusal } from '../prepared.ts'
import { namespaceOf } from './facts.ts'
import type { Observed } from './observed.ts'
import type { Blocker, Outlook } from './outlook.ts'
import { isLifecycleTaint } from './propose-nodes.ts'

const most = 3

/** Beside changes, only what makes them needless: a handler that is mended. */
export function hintsOf({ blockers, pod }: Outlook, hasChanges: boolean): string[] {
  const place = { name: pod.metadata.name, namespace: namespaceOf(pod) }
  const hints = blockers.flatMap((blocker) => [
    ...(blocker.is === 'Unplaced' ? blocker.refusals.flatMap(handlerHint) : []),
    ...(hasChanges ? [] : blockerHints(blocker, place)),
  ])
  return [...new Set(hints)].slice(0, most)
}

function handlerHint({ node, reasons }: Refusal): string[] {
  const [{ handler } = {}] = reasons
  if (!handler) return []
  // the default one is published under its own name
  const object = handler.handler === '' ? '' : ` ${node.name}.${handler.handler} -o yaml`
  const here = `kubectl get nodehandlers -n polypod-system${object}`
  if (handler.unproved) return [`mend the handler on ${node.name}, and the Pod runs by itself: ${here}`]
  return [`give a node the handler, and the Pod runs by itself: docs/runtimes.md says how ${handler.handler} is installed`]
}

interface Place {
  name: string
  namespace: string
}

function blockerHints(blocker: Blocker, place: Place): string[] {
  switch (blocker.is) {
    case 'Observed':
      return observedHints(blocker.observed, place)
    case 'NodeNotReady':
      return [`look at the node: kubectl describe node ${blocker.node}`]
    case 'NoNodes':
      return ['start a node: polypod up']
    case 'Unplaced':
      return blocker.refusals.flatMap(nodeHints)
    default:
      return []
  }
}

function nodeHints({ node, filter }: Refusal): string[] {
  if (filter === 'TaintToleration' && node.hardTaints.some(isLifecycleTaint))
    return [`look at the node, its taint tells of a trouble: kubectl describe node ${node.name}`]
  if (filter === 'InterPodAffinity') return ['one more node, or one of those Pods less, would make room for it']
  return []
}

function observedHints({ type, reason, container, exitCode }: Observed, { name, namespace }: Place): string[] {
  if (reason === 'StartError') return [`whether its image has what command and args of container "${container}" name`]
  const logs = `kubectl logs ${name} -n ${namespace} -c ${container}`
  if (type === 'CrashLoop') return [`what it said before it ended with ${exitCode}: ${logs} --previous`]
  if (type === 'NotReady' && container !== undefined) return [`what it says: ${logs}`]
  return [`what its node did last: kubectl describe pod ${name} -n ${namespace}`]
}
