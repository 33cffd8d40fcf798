// Whether a toleration bears a taint.
import type { Taint, Toleration } from './toleration.ts'

/** An empty key (with Exists) bears every key, an empty effect every effect; an empty operator means Equal. */
export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  return (!operator || operator === 'Equal') && (value ?? '') === (taint.value ?? '')
}
