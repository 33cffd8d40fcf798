// Node selectors and node affinity terms, read once per Pod and matched against many nodes.
import type { NodeSelectorTerm } from '../api/core/affinity.ts'

type Labels = Readonly<Record<string, string>>
type Requirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number]

/** `fields`: the requirement is about metadata.name, the only field that can be selected by. */
interface Test {
  ofName: boolean
  key: string
  holds(value: string | undefined): boolean
}

/** Requirements of which all must hold; undefined: a term that matches no node. */
export type NodeTest = readonly Test[] | undefined

const integer = /^[+-]?\d+$/

/** One requirement. k8s: an operator or number that cannot be read matches nothing. */
function testOf({ key, operator, values = [] }: Requirement, ofName: boolean): Test {
  const never = () => false
  const compare = (better: (a: bigint, b: bigint) => boolean) => {
    const [bound = ''] = values
    if (values.length !== 1 || !integer.test(bound)) return never
    return (value: string | undefined) => value !== undefined && integer.test(value) && better(BigInt(value), BigInt(bound))
  }
  const operators: Record<string, (value: string | undefined) => boolean> = {
    In: (value) => value !== undefined && values.includes(value),
    // k8s: a node without the label is not in any set of values
    NotIn: (value) => value === undefined || !values.includes(value),
    Exists: (value) => value !== undefined,
    DoesNotExist: (value) => value === undefined,
    Gt: compare((a, b) => a > b),
    Lt: compare((a, b) => a < b),
  }
  const known = !ofName || (key === 'metadata.name' && (operator === 'In' || operator === 'NotIn'))
  return { ofName, key, holds: (known && operators[operator]) || never }
}

/** k8s: a term without any requirement matches no node. */
export function nodeTest(term: NodeSelectorTerm): NodeTest {
  const tests = [
    ...(term.matchExpressions ?? []).map((r) => testOf(r, false)),
    ...(term.matchFields ?? []).map((r) => testOf(r, true)),
  ]
  return tests.length === 0 ? undefined : tests
}

export function matchesNode(test: NodeTest, name: string, labels: Labels): boolean {
  if (test === undefined) return false
  for (const one of test) {
    const value = one.ofName ? name : Object.hasOwn(labels, one.key) ? labels[one.key] : undefined
    if (!one.holds(value)) return false
  }
  return true
}
