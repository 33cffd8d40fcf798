// What follows from canaries and missing binaries: whether a handler is ready, why, and when to look again. Pure.
import type { HandlerReadiness } from '../../api/polypod/handler-readiness.ts'
import type { NodeHandlerCanary } from '../../api/polypod/node-handler.ts'
import { rfc3339 } from '../../lib/clock.ts'
import type { CanaryResult } from './canary.ts'

/** Why a canary is run. */
export type Trigger = 'Start' | 'ConfigurationChanged' | 'BinaryChanged' | 'PodFailed' | 'Periodic' | 'Retry'

export interface Due {
  atMs: number
  trigger: Trigger
}

export interface Verdict {
  state: HandlerReadiness
  /** CamelCase, for the Ready condition. */
  reason: string
  /** The runtime's own words, or ours for what is missing. */
  message: string
  canary: NodeHandlerCanary | undefined
  lastProvedAtMs: number | undefined
  /** In a row. */
  failures: number
  /** The next canary; undefined: none until something happens. */
  due: Due | undefined
}

export interface Timing {
  /** Undefined: never without a reason. */
  everyMs: number | undefined
  nowMs: number
}

export const unproved = (nowMs: number): Verdict => ({
  ...{ state: 'pending', reason: 'NotProvedYet', message: 'no canary has ended yet', canary: undefined },
  ...{ lastProvedAtMs: undefined, failures: 0, due: { atMs: nowMs, trigger: 'Start' } },
})

type Ended = Exclude<CanaryResult, 'away'>

/** A handler that worked must fail twice: one canary may have met a machine that was busy for a moment. */
export function afterCanary(old: Verdict, trigger: Trigger, result: Ended, timing: Timing): Verdict {
  const canary = canaryOf(result, trigger)
  if (result.ok) {
    const message = `a sandbox started in ${result.durationMs} ms`
    return {
      ...{ state: 'ready', reason: 'CanarySucceeded', message, canary, lastProvedAtMs: result.startedAtMs, failures: 0 },
      due: timing.everyMs === undefined ? undefined : { atMs: timing.nowMs + timing.everyMs, trigger: 'Periodic' },
    }
  }
  const failures = old.failures + 1
  if (old.state === 'ready' && failures === 1)
    return { ...old, canary, failures, due: { atMs: timing.nowMs + 1000, trigger: 'Retry' } }
  const { reason, message } = result
  const due: Due = { atMs: timing.nowMs + retryMs(failures), trigger: 'Retry' }
  return { ...old, state: 'not-ready', reason, message, canary, failures, due }
}

/** A handler that comes back is noticed within half a minute. */
const retryMs = (failures: number): number => Math.min(30_000, 1000 * 2 ** Math.min(failures, 5))

const canaryOf = (result: Ended, trigger: Trigger): NodeHandlerCanary => ({
  result: result.ok ? 'Succeeded' : 'Failed',
  trigger,
  startedAt: rfc3339(result.startedAtMs),
  durationMs: result.durationMs,
  ...(result.ok ? {} : { message: result.message }),
})

/** No canary is needed to know: nothing could start. It is run again when the binary is back. */
export const afterMissing = (old: Verdict, missing: string): Verdict => ({
  ...old,
  ...{ state: 'not-ready', reason: 'BinaryNotFound', message: missing, due: undefined },
})

/** A canary soon, unless one is due before; never two of them within `restMs`. */
export function sooner(old: Verdict, wished: Due): Verdict {
  return old.due && old.due.atMs <= wished.atMs ? old : { ...old, due: wished }
}

/** Failures of Pods are often their own fault: a handler is asked again at most every ten seconds. */
export function afterPodFailed(old: Verdict, nowMs: number, lastCanaryMs: number): Verdict {
  return old.reason === 'BinaryNotFound'
    ? old
    : sooner(old, { atMs: Math.max(nowMs, lastCanaryMs + 10_000), trigger: 'PodFailed' })
}

/** One line for events of waiting Pods, the same for the same trouble: without ids, which are new each time. */
export const shortMessage = (message: string): string => {
  const plain = message
    .replaceAll(/\b[0-9a-f]{12,}\b/g, '*')
    .replaceAll(/\s+/g, ' ')
    .trim()
  return plain.length > 240 ? `${plain.slice(0, 239)}…` : plain
}
