// Keeps the last summaries of every kubelet that was asked, so that the next one gives rates.
import type { Clock } from '../lib/clock.ts'
import { type Rate, rateOf, type Sample, sampleOf, type Summary } from './usage-rates.ts'

export interface UsageSamples {
  /**
   * Asks the node's kubelet, unless that was done a moment ago, and answers with rates by key (usage-rates.ts): over at least
   * `minWindowMs` where an earlier sample allows, else since `startedAt`. Rejects when the kubelet cannot be asked.
   */
  ratesOf(node: string): Promise<(key: string, startedAt?: number) => Rate | undefined>
}

interface Taken {
  atMs: number
  sample: Sample
}

const freshMs = 1000
const minWindowMs = 10_000
/** The one that is compared with, and those on their way to become it. */
const maxKept = 12

export function usageSamples(clock: Clock, ask: (node: string) => Promise<Summary>): UsageSamples {
  const taken = new Map<string, Taken[]>()
  const underWay = new Map<string, Promise<void>>()
  const take = async (node: string) => {
    const sample = sampleOf(await ask(node))
    taken.set(node, keep(taken.get(node) ?? [], { atMs: clock.now(), sample }))
  }
  return {
    async ratesOf(node) {
      const last = taken.get(node)?.at(-1)
      if (!last || clock.now() - last.atMs >= freshMs) {
        // whoever asks at the same time gets the same answer
        const asked = underWay.get(node) ?? take(node).finally(() => underWay.delete(node))
        underWay.set(node, asked)
        await asked
      }
      const all = taken.get(node) ?? []
      const newest = all.at(-1)
      if (!newest) return () => undefined
      const earlier = all.findLast(({ atMs }) => newest.atMs - atMs >= minWindowMs) ?? (all.length > 1 ? all[0] : undefined)
      return (key, startedAt) => rateOf(key, newest.sample, earlier?.sample, startedAt)
    },
  }
}

/** Drops what is older than the newest sample that is old enough to compare with. */
function keep(all: readonly Taken[], newest: Taken): Taken[] {
  const base = all.findLastIndex(({ atMs }) => newest.atMs - atMs >= minWindowMs)
  return [...all.slice(Math.max(0, base)), newest].slice(-maxKept)
}
