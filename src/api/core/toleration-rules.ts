// Which tolerations and taints are legal.
import { duplicate, type FieldError, invalid, notSupported, required } from '../field-error.ts'
import { labelValue, qualifiedName } from '../name.ts'
import { type Taint, taintEffects, type Toleration } from './toleration.ts'

const keylessText = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'

/** Tolerations of a Pod or a RuntimeClass, at `field`. */
export const tolerationErrors = (tolerations: readonly Toleration[] | undefined, field: string): FieldError[] =>
  (tolerations ?? []).flatMap((t, i) => errorsOf(t, `${field}[${i}]`))

function errorsOf(toleration: Toleration, field: string): FieldError[] {
  const { key = '', operator = '', value = '', effect = '' } = toleration
  const wrong: FieldError[] = []
  if (key !== '') wrong.push(...qualifiedName(key).map((why) => invalid(`${field}.key`, key, why)))
  // k8s: reported at `operator`, though the key is missing; a bad value too
  if (key === '' && operator !== 'Exists') wrong.push(invalid(`${field}.operator`, operator, keylessText))
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute')
    wrong.push(invalid(`${field}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set"))
  if (operator === 'Equal' || operator === '') wrong.push(...joined(labelValue(value), `${field}.operator`, value))
  else if (operator === 'Exists') {
    if (value !== '') wrong.push(invalid(`${field}.operator`, toleration, "value must be empty when `operator` is 'Exists'"))
  } else wrong.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists']))
  if (effect !== '') wrong.push(...effectErrors(effect, `${field}.effect`))
  return wrong
}

const effectErrors = (effect: string, field: string): FieldError[] =>
  (taintEffects as readonly string[]).includes(effect) ? [] : [notSupported(field, effect, taintEffects)]

/** k8s: where a value is one of several things to judge, its faults are joined into one error. */
const joined = (faults: readonly string[], field: string, value: unknown): FieldError[] =>
  faults.length === 0 ? [] : [invalid(field, value, faults.join(';'))]

/** Taints of a Node, at `field`. */
export function taintErrors(taints: readonly Taint[] | undefined, field: string): FieldError[] {
  const wrong: FieldError[] = []
  const seen = new Set<string>()
  for (const [i, taint] of (taints ?? []).entries()) {
    const at = `${field}[${i}]`
    wrong.push(...qualifiedName(taint.key).map((why) => invalid(`${at}.key`, taint.key, why)))
    wrong.push(...joined(labelValue(taint.value ?? ''), `${at}.value`, taint.value))
    const effect: string = taint.effect
    if (effect === '') wrong.push(required(`${at}.effect`))
    else wrong.push(...effectErrors(effect, `${at}.effect`))
    const identity = `${taint.key}:${taint.effect}`
    if (seen.has(identity)) wrong.push(duplicate(at, taint, 'taints must be unique by key and effect pair'))
    seen.add(identity)
  }
  return wrong
}
