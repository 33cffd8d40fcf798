// What a kubelet may report of a Pod.
import { type FieldError, forbiddenField, immutable, invalid, invalidFor } from '../field-error.ts'
import { dnsSubdomain, ipAddress, qualifiedName } from '../name.ts'
import type { PodSpec } from './pod-spec.ts'
import type { ContainerStatus, PodStatus } from './pod-status.ts'

interface PodShape {
  spec: PodSpec
  status: PodStatus
}

/** Every forbidden change of a status. `old.status` without a class may get one. */
export function podStatusErrors(next: PodShape, old: PodShape): FieldError[] {
  const { nominatedNodeName: nominated } = next.status
  const wrong: FieldError[] = []
  for (const [i, { type }] of (next.status.conditions ?? []).entries())
    wrong.push(...invalidFor(`status.conditions[${i}].type`, type, qualifiedName(type)))
  if (next.spec.nodeName !== old.spec.nodeName) wrong.push(forbiddenField('status.nodeName', 'may not be changed directly'))
  if (nominated !== undefined && nominated !== old.status.nominatedNodeName)
    wrong.push(...invalidFor('status.nominatedNodeName', nominated, dnsSubdomain(nominated)))
  if (old.status.qosClass !== undefined) wrong.push(...immutable('status.qosClass', next.status.qosClass, old.status.qosClass))
  return [...wrong, ...transitionErrors(next, old), ...addressErrors(next.status)]
}

/** k8s: a container that will not be restarted stays terminated. */
function transitionErrors(next: PodShape, old: PodShape): FieldError[] {
  const { restartPolicy, initContainers = [] } = old.spec
  const sidecars = new Set(initContainers.filter((c) => c.restartPolicy === 'Always').map((c) => c.name))
  const mayRestart = ({ name, state }: ContainerStatus) =>
    sidecars.has(name) || (restartPolicy === 'OnFailure' && state.terminated?.exitCode !== 0)
  const wrong: FieldError[] = []
  for (const key of ['containerStatuses', 'initContainerStatuses'] as const) {
    if (restartPolicy === 'Always') continue
    // k8s: the index is that of the old list
    for (const [i, before] of (old.status[key] ?? []).entries()) {
      if (!before.state.terminated || mayRestart(before)) continue
      const now = (next.status[key] ?? []).find(({ name }) => name === before.name)
      if (now && !now.state.terminated)
        wrong.push(forbiddenField(`status.${key}[${i}].state`, 'may not be transitioned to non-terminated state'))
    }
  }
  return wrong
}

function addressErrors({ podIPs = [], podIP, hostIPs = [] }: PodStatus): FieldError[] {
  const at = (key: string) => (entry: { ip: string }, i: number) =>
    invalidFor(`status.${key}[${i}].ip`, entry.ip, ipAddress(entry.ip))
  const wrong = [...podIPs.flatMap(at('podIPs')), ...hostIPs.flatMap(at('hostIPs'))]
  if (podIPs.length > 2) wrong.push(invalid('status.podIPs', podIPs, 'may specify no more than one IP for each IP family'))
  if (podIP !== undefined && podIPs.length > 0 && podIPs[0]?.ip !== podIP)
    wrong.push(invalid('status.podIPs[0].ip', podIPs[0]?.ip, 'must be equal to `podIP`'))
  return wrong
}
