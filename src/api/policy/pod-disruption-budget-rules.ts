// What a PodDisruptionBudget may say.
import { labelSelectorErrors } from '../core/label-selector-rules.ts'
import { type FieldError, invalid, negative } from '../field-error.ts'
import type { LabelSelector } from '../label-selector.ts'
import type { IntOrString } from '../schema.ts'

interface BudgetShape {
  spec: {
    minAvailable?: IntOrString | undefined
    maxUnavailable?: IntOrString | undefined
    selector?: LabelSelector | undefined
  }
}

const percentage = /^[0-9]+%$/
const noPercentage =
  "a valid percent string must be a numeric followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"

export function budgetErrors({ spec }: BudgetShape): FieldError[] {
  const { minAvailable, maxUnavailable, selector } = spec
  const both = minAvailable !== undefined && maxUnavailable !== undefined
  return [
    ...(both ? [invalid('spec', spec, 'minAvailable and maxUnavailable cannot be both set')] : []),
    ...amountErrors('spec.minAvailable', minAvailable),
    ...amountErrors('spec.maxUnavailable', maxUnavailable),
    ...labelSelectorErrors(selector, 'spec.selector'),
  ]
}

/** A count of Pods, or a share of them up to 100 %. */
function amountErrors(field: string, amount: IntOrString | undefined): FieldError[] {
  if (typeof amount !== 'string') return negative(field, amount)
  if (!percentage.test(amount)) return [invalid(field, amount, noPercentage)]
  return Number.parseInt(amount, 10) > 100 ? [invalid(field, amount, 'must not be greater than 100%')] : []
}

interface BudgetStatusShape {
  status: { disruptionsAllowed: number; currentHealthy: number; desiredHealthy: number; expectedPods: number }
}

export const budgetStatusErrors = ({ status }: BudgetStatusShape): FieldError[] =>
  (['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const).flatMap((field) =>
    negative(`status.${field}`, status[field]),
  )
