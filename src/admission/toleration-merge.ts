// Two lists of tolerations as one, without those that a broader one makes needless.
import type { Toleration } from '../api/core/toleration.ts'

/** In order, `first` before `second`. Of identical ones the first stays; one that another covers goes, on either side. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second]
  const kept: Toleration[] = []
  for (const [i, one] of all.entries()) {
    const covered =
      kept.some((other) => covers(other, one)) || all.slice(i + 1).some((later) => !same(later, one) && covers(later, one))
    if (!covered) kept.push(one)
  }
  return kept
}

const parts = ({ key = '', operator = '', value = '', effect = '', tolerationSeconds }: Toleration) => ({
  key,
  operator,
  value,
  effect,
  tolerationSeconds,
})

function same(a: Toleration, b: Toleration): boolean {
  const [one, other] = [parts(a), parts(b)]
  return (Object.keys(one) as (keyof typeof one)[]).every((key) => one[key] === other[key])
}

/** Whether `wide` tolerates all that `narrow` does. */
function covers(wide: Toleration, narrow: Toleration): boolean {
  if (same(wide, narrow)) return true
  const [w, n] = [parts(wide), parts(narrow)]
  if (w.key !== n.key && !(w.key === '' && w.operator === 'Exists')) return false
  if (w.effect !== n.effect && w.effect !== '') return false
  if (w.effect === 'NoExecute' && w.tolerationSeconds !== undefined)
    if (n.tolerationSeconds === undefined || n.tolerationSeconds > w.tolerationSeconds) return false
  if (w.operator === 'Exists') return true
  // k8s: an empty operator means Equal, but only when it is the wider one's
  return (w.operator === 'Equal' || w.operator === '') && n.operator === 'Equal' && w.value === n.value
}
