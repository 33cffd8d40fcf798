// Where each field of each type stands in Kubernetes' protobuf. Numbers are facts of upstream's generated.proto, v0.32.
import { containerNumbers } from './container-numbers.ts'
import { coreNumbers } from './core-numbers.ts'
import { coordinationNumbers, policyNumbers, runtimeClassNumbers, schedulingNumbers } from './group-numbers.ts'
import { metaNumbers } from './meta-numbers.ts'
import { nodeNumbers } from './node-numbers.ts'
import { podNumbers } from './pod-numbers.ts'
import { volumeNumbers } from './volume-numbers.ts'

/** A pair leads through a message whose fields JSON writes inline: its number, then the field's own. */
type FieldNumber = number | readonly [number, number]
/** JSON name to number. */
export type Numbers = Readonly<Record<string, FieldNumber>>
/** By the last part of the type's OpenAPI name. */
export type NumbersOfTypes = Readonly<Record<string, Numbers>>

/** THE list: every table, by the group its types are of. */
export const numbersByGroup: Readonly<Record<string, NumbersOfTypes>> = {
  'io.k8s.apimachinery.pkg.apis.meta.v1': metaNumbers,
  'io.k8s.api.core.v1': { ...coreNumbers, ...podNumbers, ...containerNumbers, ...volumeNumbers, ...nodeNumbers },
  'io.k8s.api.coordination.v1': coordinationNumbers,
  'io.k8s.api.node.v1': runtimeClassNumbers,
  'io.k8s.api.policy.v1': policyNumbers,
  'io.k8s.api.scheduling.v1': schedulingNumbers,
}

/** `name`: a type's OpenAPI name, such as `io.k8s.api.core.v1.Pod`. */
export function numbersOf(name: string): Numbers | undefined {
  const dot = name.lastIndexOf('.')
  return numbersByGroup[name.slice(0, dot)]?.[name.slice(dot + 1)]
}
