// Label selectors inside objects.
import { type FieldError, forbiddenField, invalid, invalidFor, required } from '../field-error.ts'
import type { LabelSelector } from '../label-selector.ts'
import { labelErrors } from '../meta.ts'
import { labelValue, qualifiedName } from '../name.ts'

export function labelSelectorErrors(selector: LabelSelector | undefined, field: string): FieldError[] {
  if (!selector) return []
  const wrong = labelErrors(selector.matchLabels, `${field}.matchLabels`)
  for (const [i, { key, operator, values = [] }] of (selector.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`
    wrong.push(
      ...(setOperatorErrors(operator, values, at) ?? [invalid(`${at}.operator`, operator, 'not a valid selector operator')]),
    )
    wrong.push(...invalidFor(`${at}.key`, key, qualifiedName(key)))
    wrong.push(...values.flatMap((value, v) => invalidFor(`${at}.values[${v}]`, value, labelValue(value))))
  }
  return wrong
}

/** What In, NotIn, Exists and DoesNotExist say of their values; undefined for another operator. */
export function setOperatorErrors(operator: string, values: readonly string[], at: string): FieldError[] | undefined {
  if (operator === 'In' || operator === 'NotIn')
    return values.length > 0 ? [] : [required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
  if (operator !== 'Exists' && operator !== 'DoesNotExist') return undefined
  const why = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
  return values.length === 0 ? [] : [forbiddenField(`${at}.values`, why)]
}
