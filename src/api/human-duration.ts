// Ages as kubectl shows them: `45s`, `3m20s`, `5h`, `2d3h`.

const units = [
  // up to how many seconds, in which unit, with how many of which smaller unit
  { below: 120, unit: 1, sign: 's' },
  { below: 600, unit: 60, sign: 'm', rest: { unit: 1, sign: 's' } },
  { below: 3 * 3600, unit: 60, sign: 'm' },
  { below: 8 * 3600, unit: 3600, sign: 'h', rest: { unit: 60, sign: 'm' } },
  { below: 48 * 3600, unit: 3600, sign: 'h' },
  { below: 8 * 86_400, unit: 86_400, sign: 'd', rest: { unit: 3600, sign: 'h' } },
  { below: 2 * 365 * 86_400, unit: 86_400, sign: 'd' },
  { below: 8 * 365 * 86_400, unit: 365 * 86_400, sign: 'y', rest: { unit: 86_400, sign: 'd' } },
  { below: Number.POSITIVE_INFINITY, unit: 365 * 86_400, sign: 'y' },
]

/** Cut, never rounded. k8s: a clock that is a moment behind shows `0s`, one further behind `<invalid>`. */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000)
  if (Number.isNaN(seconds)) return '<unknown>'
  if (seconds < 0) return seconds < -1 ? '<invalid>' : '0s'
  for (const { below, unit, sign, rest } of units) {
    if (seconds >= below) continue
    const small = rest ? Math.floor((seconds % unit) / rest.unit) : 0
    return `${Math.floor(seconds / unit)}${sign}${rest && small > 0 ? `${small}${rest.sign}` : ''}`
  }
  return ''
}
