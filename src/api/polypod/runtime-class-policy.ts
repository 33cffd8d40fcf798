// What a Namespace says of RuntimeClasses, in annotations: which one its Pods get, and which ones they may name.
import { type FieldError, invalid, notSupported } from '../field-error.ts'
import type { ObjectMeta } from '../meta.ts'
import { dnsSubdomain } from '../name.ts'

export const defaultClassAnnotation = 'polypod.dev/default-runtime-class'
export const allowedClassesAnnotation = 'polypod.dev/allowed-runtime-classes'
export const policyModeAnnotation = 'polypod.dev/runtime-class-policy'

/** In a list of classes: a Pod without any. No RuntimeClass can have this name, as it begins with a capital letter. */
export const noClass = 'None'

const modes = ['enforce', 'warn'] as const
/** `warn` changes and refuses nothing, and tells clients what `enforce` would do. */
export type PolicyMode = (typeof modes)[number]

export interface RuntimeClassPolicy {
  /** For Pods that name no class. */
  defaultClass?: string | undefined
  /** In the order they were written in, `None` included; undefined: any. */
  allowed?: readonly string[] | undefined
  mode: PolicyMode
}

type Annotated = { metadata: Pick<ObjectMeta, 'annotations'> }

const namesIn = (text: string): string[] => text.split(',').map((name) => name.trim())

/** Undefined where nothing is said. A mode that is not known enforces: a slip of the pen must not open a namespace. */
export function runtimeClassPolicy({ metadata: { annotations = {} } }: Annotated): RuntimeClassPolicy | undefined {
  const { [defaultClassAnnotation]: defaultClass, [allowedClassesAnnotation]: allowed } = annotations
  if (defaultClass === undefined && allowed === undefined) return undefined
  const mode = annotations[policyModeAnnotation] === 'warn' ? 'warn' : 'enforce'
  return { defaultClass, allowed: allowed === undefined ? undefined : namesIn(allowed), mode }
}

/** The class a Pod has in the end; undefined: none. What a Pod names, it keeps. */
export const resultingClass = ({ defaultClass }: RuntimeClassPolicy, named: string | undefined): string | undefined =>
  named ?? defaultClass

/** Why a Pod with this class has no place in the namespace; undefined: it has. */
export function violation({ allowed }: RuntimeClassPolicy, className: string | undefined): string | undefined {
  if (!allowed || allowed.includes(className ?? noClass)) return undefined
  const what = className === undefined ? 'a Pod without a RuntimeClass' : `RuntimeClass "${className}"`
  return `${what} is not allowed here: annotation ${allowedClassesAnnotation} of the namespace allows ${allowed.join(', ')}`
}

/** What is wrong with the annotations themselves. */
export function policyErrors(namespace: Annotated): FieldError[] {
  const { annotations = {} } = namespace.metadata
  const field = (name: string) => `metadata.annotations[${name}]`
  const { [defaultClassAnnotation]: given, [allowedClassesAnnotation]: list, [policyModeAnnotation]: mode } = annotations
  const errors: FieldError[] = []
  if (given !== undefined)
    errors.push(
      ...dnsSubdomain(given).map((why) => invalid(field(defaultClassAnnotation), given, `must be a RuntimeClass: ${why}`)),
    )
  for (const name of list === undefined ? [] : namesIn(list))
    if (name !== noClass && dnsSubdomain(name).length > 0)
      errors.push(
        invalid(
          field(allowedClassesAnnotation),
          name,
          `must be RuntimeClasses with commas between them; ${noClass} stands for no class`,
        ),
      )
  if (mode !== undefined && !modes.some((known) => known === mode))
    errors.push(notSupported(field(policyModeAnnotation), mode, modes))
  if (given !== undefined && list !== undefined && !namesIn(list).includes(given))
    errors.push(invalid(field(defaultClassAnnotation), given, `must be one of ${allowedClassesAnnotation}`))
  return errors
}
