// Which priorities users may define, and which classes are the system's own.
import { type FieldError, forbiddenField, immutable } from '../field-error.ts'
import { own } from '../own.ts'

/** Users' priorities end here; the system's begin at twice this. */
const highestUserPriority = 1_000_000_000

/** What bootstrap makes sure is there. */
const systemPriorityClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

interface PriorityClassShape {
  metadata: { name?: string | undefined }
  value: number
  globalDefault?: boolean | undefined
  preemptionPolicy?: string | undefined
}

export function priorityClassErrors(pc: PriorityClassShape): FieldError[] {
  const { name } = pc.metadata
  if (name?.startsWith('system-')) {
    const fault = systemFault(pc)
    const why = "priority class names with 'system-' prefix are reserved for system use only. error:"
    return fault === undefined ? [] : [forbiddenField('metadata.name', `${why} ${fault}`)]
  }
  if (pc.value <= highestUserPriority) return []
  return [forbiddenField('value', `maximum allowed value of a user defined priority is ${highestUserPriority}`)]
}

function systemFault({ metadata: { name = '' }, value, globalDefault = false }: PriorityClassShape): string | undefined {
  const known = own(systemPriorityClasses, name)
  if (known === undefined) return `${name} is not a known system priority class`
  if (value !== known) return `value of ${name} PriorityClass must be ${known}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}

export const priorityClassUpdateErrors = (next: PriorityClassShape, old: PriorityClassShape): FieldError[] => [
  ...(next.value === old.value ? [] : [forbiddenField('value', 'may not be changed in an update.')]),
  ...immutable('preemptionPolicy', next.preemptionPolicy, old.preemptionPolicy),
]
