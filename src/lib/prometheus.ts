// Metrics as Prometheus reads them: counters and histograms that are kept, and the text format 0.0.4.

export type Labels = Readonly<Record<string, string>>

export interface MetricFamily {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  /** `suffix` of histograms: `_bucket`, `_sum`, `_count`. */
  samples: readonly { suffix?: string; labels: Labels; value: number }[]
}

export const expositionType = 'text/plain; version=0.0.4; charset=utf-8'

export const exposition = (families: readonly MetricFamily[]): string => families.map(familyText).join('')

function familyText({ name, help, type, samples }: MetricFamily): string {
  const lines = samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelsText(labels)} ${numberText(value)}\n`)
  return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`
}

function labelsText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value).replaceAll('"', String.raw`\"`)}"`)
  return parts.length === 0 ? '' : `{${parts.join(',')}}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', String.raw`\n`)

const numberText = (value: number): string => (value === Number.POSITIVE_INFINITY ? '+Inf' : String(value))

export interface Counter {
  add(labels: Labels): void
  family(): MetricFamily
}

/** Each combination of labels is a counter of its own: they come in the order they were first seen. */
export function counter(name: string, help: string): Counter {
  const values = new Map<string, { labels: Labels; value: number }>()
  return {
    add(labels) {
      const key = JSON.stringify(Object.values(labels))
      const known = values.get(key)
      if (known) known.value += 1
      else values.set(key, { labels, value: 1 })
    },
    family: () => ({ name, help, type: 'counter', samples: [...values.values()] }),
  }
}

export interface Histogram {
  observe(labels: Labels, value: number): void
  family(): MetricFamily
}

/** Those of Prometheus' clients, in seconds. */
const defaultBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export function histogram(name: string, help: string): Histogram {
  const bounds = [...defaultBuckets, Number.POSITIVE_INFINITY]
  const all = new Map<string, { labels: Labels; counts: number[]; sum: number }>()
  return {
    observe(labels, value) {
      const key = JSON.stringify(Object.values(labels))
      let one = all.get(key)
      if (!one) all.set(key, (one = { labels, counts: bounds.map(() => 0), sum: 0 }))
      one.sum += value
      // cumulative: a value counts in every bucket it fits in
      for (const [i, bound] of bounds.entries()) if (value <= bound) one.counts[i] = (one.counts[i] ?? 0) + 1
    },
    family() {
      const samples = [...all.values()].flatMap(({ labels, counts, sum }) => [
        ...counts.map((value, i) => ({ suffix: '_bucket', labels: { ...labels, le: numberText(bounds[i] ?? 0) }, value })),
        { suffix: '_sum', labels, value: sum },
        { suffix: '_count', labels, value: counts.at(-1) ?? 0 },
      ])
      return { name, help, type: 'histogram', samples }
    },
  }
}
