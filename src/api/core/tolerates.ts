// Whether a toleration bears a taint.
import type { Taint, Toleration } from './toleration.ts'

/** An empty key (with Exists) bears every key, an empty effect every effect; an empty operator means Equal. */
export function tolerates({ key, operator, value, effect }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  if (operator === 'Exists') return true
  return (!operator || operator === 'Equal') && (value ?? '') === (taint.value ?? '')
}

/** The first taint that no toleration bears. */
export const untolerated = (taints: readonly Taint[], tolerations: readonly Toleration[]): Taint | undefined =>
  taints.find((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)))
