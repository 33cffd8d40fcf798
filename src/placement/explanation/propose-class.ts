// Another RuntimeClass, or one where there is none.
import { Node } from '../../api/core/node.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import type { AnyObject } from '../../api/kind.ts'
import { asWritten } from './as-written.ts'
import { createCommand, pointer, podStep, type Step } from './change.ts'
import { allOf, type Facts, find } from './facts.ts'
import { similarTo } from './similar.ts'

const path = pointer('spec', 'runtimeClassName')
const otherRuntime = 'whether another runtime isolates the Pod as it should be'

/** Every other class, and none. Only the checks that follow tell which of them would do. */
export function otherClasses(facts: Facts): Step[] {
  const { runtimeClassName } = asWritten(facts).spec
  const near = runtimeClassName === undefined ? [] : similarTo(runtimeClassName, namesOf(facts))
  const hadOverhead = find(facts, RuntimeClass, { name: runtimeClassName ?? '' })?.overhead !== undefined
  const steps = allOf(facts, RuntimeClass)
    .filter(({ metadata }) => metadata.name !== runtimeClassName)
    .map(({ metadata: { name }, handler, overhead }) =>
      podStep(facts, {
        summary: `set runtimeClassName to ${name}${handler === name ? '' : ` (handler ${handler})`}${insteadOf(runtimeClassName)}`,
        patch: [{ op: 'add', path, value: name }],
        // who chose a runtime that costs something wants more than a process
        cost: (near.includes(name) ? 0.5 : 1) + (hadOverhead === (overhead !== undefined) ? 0 : 0.1),
        unchecked: otherRuntime,
      }),
    )
  if (runtimeClassName === undefined) return steps
  const without = podStep(facts, {
    summary: `remove runtimeClassName: ${runtimeClassName}, for the default handler`,
    patch: [{ op: 'remove', path }],
    cost: 1.5,
    unchecked: otherRuntime,
  })
  return [...steps, without]
}

const namesOf = (facts: Facts) => allOf(facts, RuntimeClass).map(({ metadata }) => metadata.name)
const insteadOf = (name: string | undefined): string => (name === undefined ? '' : ` instead of ${name}`)

/** The class itself, where some node has a handler of its name. */
export function missingClass(facts: Facts): Step[] {
  const name = facts.pod.spec.runtimeClassName
  if (name === undefined || find(facts, RuntimeClass, { name })) return []
  const offered = allOf(facts, Node).some(({ status }) => status.runtimeHandlers?.some((handler) => handler.name === name))
  if (!offered) return []
  const { apiVersion, kind } = RuntimeClass
  const object = { apiVersion, kind, metadata: { name }, handler: name } as AnyObject
  return [
    {
      summary: `create RuntimeClass ${name} with handler ${name}`,
      kind: RuntimeClass,
      name,
      object,
      command: createCommand(object),
      cost: 2,
    },
  ]
}
