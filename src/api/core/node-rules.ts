// What a Node may say of itself, and what may change in it.
import { sameValue } from '../equal.ts'
import { duplicate, type FieldError, forbiddenField, invalid, invalidFor } from '../field-error.ts'
import { cidr } from '../name.ts'
import type { NodeSpec, NodeStatus } from './node.ts'
import { quantityErrors } from './resource-rules.ts'
import { taintErrors } from './toleration-rules.ts'

interface NodeShape {
  spec: NodeSpec
  status: NodeStatus
}

export function nodeErrors({ spec, status }: NodeShape): FieldError[] {
  // k8s: taints are reported at metadata.taints, though they are in the spec
  const wrong = taintErrors(spec.taints, 'metadata.taints')
  for (const key of ['capacity', 'allocatable'] as const)
    for (const [name, amount] of Object.entries(status[key] ?? {}))
      wrong.push(...quantityErrors(name, amount, `status.${key}[${name}]`))
  const ranges = spec.podCIDRs ?? []
  wrong.push(...ranges.flatMap((range, i) => invalidFor(`spec.podCIDRs[${i}]`, range, cidr(range))))
  const ofV6 = ranges.filter((range) => range.includes(':')).length
  if (ofV6 > 1 || ranges.length - ofV6 > 1)
    wrong.push(invalid('spec.podCIDRs', ranges, 'may specify no more than one CIDR for each IP family'))
  return wrong
}

export function nodeUpdateErrors(next: NodeShape, old: NodeShape): FieldError[] {
  const wrong = addressErrors(next.status)
  const once = 'except from "" to valid'
  if (old.spec.podCIDRs && !sameValue(next.spec.podCIDRs, old.spec.podCIDRs))
    wrong.push(forbiddenField('spec.podCIDRs', `node updates may not change podCIDR ${once}`))
  if (old.spec.providerID !== undefined && next.spec.providerID !== old.spec.providerID)
    wrong.push(forbiddenField('spec.providerID', `node updates may not change providerID ${once}`))
  return wrong
}

function addressErrors({ addresses = [] }: NodeStatus): FieldError[] {
  const taken = new Set<string>()
  return addresses.flatMap((address, i) => {
    const identity = `${address.type}/${address.address}`
    const wrong = taken.has(identity) ? [duplicate(`status.addresses[${i}]`, address)] : []
    taken.add(identity)
    return wrong
  })
}
