// Horizontal bars in SVG, one for each handler: no library, no script, nothing loaded from anywhere.

export interface Bar {
  label: string
  /** Undefined: not measured. */
  value: number | undefined
  /** What stands behind the bar. */
  text: string
}

const row = 30
const labels = 96
const width = 460
const room = 110

export const escapedHtml = (text: string): string => text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)

/** The longest bar is the largest value; `best` is drawn strongly. Zero and what is not measured have no bar. */
export function barChart(title: string, bars: readonly Bar[], better: 'more' | 'less'): string {
  const values = bars.flatMap(({ value }) => (value === undefined ? [] : [value]))
  const largest = Math.max(...values, Number.MIN_VALUE)
  const best = better === 'more' ? Math.max(...values) : Math.min(...values)
  const height = bars.length * row
  const drawn = bars.map(({ label, value, text }, i) => {
    const y = i * row
    const length = value === undefined ? 0 : Math.max(value > 0 ? 2 : 0, (value / largest) * (width - labels - room))
    const bar = `<rect class="${value === best ? 'best' : 'bar'}" x="${labels}" y="${y + 6}" width="${length.toFixed(1)}" height="${row - 12}" rx="3"/>`
    const middle = y + row / 2
    return `<text class="label" x="${labels - 8}" y="${middle}">${escapedHtml(label)}</text>${bar}<text class="value" x="${(labels + length + 6).toFixed(1)}" y="${middle}">${escapedHtml(text)}</text>`
  })
  return `<svg role="img" aria-label="${escapedHtml(title)}" viewBox="0 0 ${width} ${height}">${drawn.join('')}</svg>`
}
