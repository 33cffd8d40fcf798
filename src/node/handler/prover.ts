// Proves a node's handlers and tells what it found: at the start, when runtime or binaries change, after failures, and now and then.
import { isDeepStrictEqual } from 'node:util'
import type { HandlerReadiness } from '../../api/polypod/handler-readiness.ts'
import type { Clock } from '../../lib/clock.ts'
import { type Mailbox, mailbox } from '../../lib/mailbox.ts'
import { type Runtime, RuntimeError, type RuntimeStatus } from '../cri/runtime.ts'
import { canaryLabel, type CanaryWorld, removeCanaries, runCanary } from './canary.ts'
import { discoverHandlers, lookAtFiles } from './discover.ts'
import type { HandlerFacts, KnownHandler } from './facts.ts'
import { type Evidence, evidenceOfSandbox } from './sandbox-evidence.ts'
import { afterCanary, afterMissing, afterPodFailed, sooner, type Trigger, unproved, type Verdict } from './verdict.ts'

export interface ProvingOptions {
  /** Handlers of a runtime of our own, of which we know more than the runtime says. */
  known: readonly KnownHandler[]
  /** CRI cgroup_parent of canaries; empty: the runtime's business. */
  cgroupParent?: string | undefined
  /** How often a handler is proved without a reason. 0: never. Default five minutes; simulated ones never. */
  everyMs?: number | undefined
  /** False: labels only, as one object for each handler of thousands of nodes would be many. Default true. */
  publish?: boolean | undefined
}

export interface ProverOptions extends ProvingOptions {
  runtime: Runtime
  clock: Clock
  owner: string
  simulated: boolean
  /** Simulated: the text a handler is to fail with; undefined: it works. */
  simulatedFailure: (handler: string) => string | undefined
  log: (line: string) => void
}

export interface ProvedHandler {
  facts: HandlerFacts
  verdict: Verdict
  /** Read off the last canary that ran. */
  evidence: Evidence
}

export interface HandlerProver {
  /** What a new Node may say of its handlers at once. Simulated handlers are proved by then. Never rejects. */
  before(): Promise<readonly ProvedHandler[]>
  /** Undefined: it does not answer. */
  runtimeIs(status: RuntimeStatus | undefined): void
  /** The same runtime, whose failures to start a Pod are noticed. */
  watching(runtime: Runtime): Runtime
  /** Proves until `signal` aborts; `tell` hears whenever something may have changed, and is waited for. Never rejects. */
  run(tell: (handlers: readonly ProvedHandler[]) => Promise<void>, signal: AbortSignal): Promise<void>
}

interface Entry extends ProvedHandler {
  /** Of its binaries, as looked at last. */
  signature: string
  /** All its binaries were seen. Else they may lie where we cannot look: a runtime in a container has files of its own. */
  wasWhole: boolean
  lastCanaryMs: number
}

interface Prover {
  options: ProverOptions
  canaries: CanaryWorld
  entries: Map<string, Entry>
  status: RuntimeStatus | undefined
  /** What the runtime offers has to be found out again. */
  isStale: Trigger | undefined
  wake: Mailbox<true>
}

const canaryMs = 20_000
/** Binaries are looked at so often: one that was removed is noticed well within a minute. */
const lookEveryMs = 10_000
const defaultEveryMs = 300_000

export function handlerProver(options: ProverOptions): HandlerProver {
  const { runtime, clock, owner, simulated, log, cgroupParent = '' } = options
  const canaries: CanaryWorld = { runtime, clock, owner, simulated, log, cgroupParent }
  const prover: Prover = { options, canaries, entries: new Map(), status: undefined, isStale: 'Start', wake: mailbox() }
  return {
    before: () => before(prover),
    runtimeIs(status) {
      // back, or another one: whatever was proved was proved of something else
      if (status && !isDeepStrictEqual(prover.status, status))
        prover.isStale ??= prover.entries.size === 0 ? 'Start' : 'ConfigurationChanged'
      prover.status = status
      prover.wake.put(true)
    },
    watching: (watched) => ({ ...watched, runSandbox: (config, handler) => runWatched(prover, watched, config, handler) }),
    run: (tell, signal) => run(prover, tell, signal),
  }
}

async function before(prover: Prover): Promise<readonly ProvedHandler[]> {
  const { simulated, known, runtime, clock } = prover.options
  if (simulated) {
    prover.status = await runtime.status()
    await turn(prover, async () => {})
  } else
    for (const handler of known) {
      const facts: HandlerFacts = { ...handler, features: {}, files: [] }
      prover.entries.set(handler.name, {
        facts,
        verdict: unproved(clock.now()),
        evidence: {},
        signature: '',
        wasWhole: false,
        lastCanaryMs: 0,
      })
    }
  return proved(prover)
}

const proved = ({ entries }: Prover): ProvedHandler[] => [...entries.values()]

async function runWatched(prover: Prover, runtime: Runtime, ...[config, handler]: Parameters<Runtime['runSandbox']>) {
  try {
    return await runtime.runSandbox(config, handler)
  } catch (error) {
    if (error instanceof RuntimeError && error.code !== 'Unavailable' && !config.labels[canaryLabel]) podFailed(prover, handler)
    throw error
  }
}

function podFailed({ entries, options, wake }: Prover, handler: string): void {
  const entry = entries.get(handler) ?? [...entries.values()].find(({ facts }) => handler === '' && facts.isDefault)
  if (!entry) return
  entry.verdict = afterPodFailed(entry.verdict, options.clock.now(), entry.lastCanaryMs)
  wake.put(true)
}

async function run(prover: Prover, tell: (handlers: readonly ProvedHandler[]) => Promise<void>, signal: AbortSignal) {
  const { clock, log } = prover.options
  await removeCanaries(prover.canaries)
  while (!signal.aborted) {
    try {
      await turn(prover, tell, signal)
    } catch (error) {
      if (!signal.aborted) log(`cannot prove handlers: ${String(error)}`)
    }
    if (signal.aborted) return
    const cancel = clock.after(msToNext(prover), () => prover.wake.put(true))
    await prover.wake.take(signal)
    cancel()
  }
}

const mayProve = (status: RuntimeStatus | undefined): status is RuntimeStatus =>
  status?.runtimeReady === true && status.networkReady

function msToNext({ entries, options, status }: Prover): number {
  if (!mayProve(status)) return lookEveryMs
  const now = options.clock.now()
  const waits = [...entries.values()].flatMap(({ verdict }) => (verdict.due ? [verdict.due.atMs - now] : []))
  return Math.max(100, Math.min(lookEveryMs, ...waits))
}

/** One look at everything. A runtime that is away proves nothing: the Node itself is not ready then. */
async function turn(prover: Prover, tell: (handlers: readonly ProvedHandler[]) => Promise<void>, signal?: AbortSignal) {
  const { status, options, entries } = prover
  if (!mayProve(status)) return
  if (prover.isStale) await rediscover(prover, status, prover.isStale)
  let changed = false
  for (const entry of entries.values()) if (await lookAt(prover, entry)) changed = true
  // another binary may be another version
  if (changed) await rediscover(prover, status)
  await tell(proved(prover))
  const first = [...entries.values()].toSorted((a, b) => Number(b.facts.isDefault) - Number(a.facts.isDefault))
  for (const entry of first) {
    // another state of the runtime is another turn's business
    if (signal?.aborted || prover.status !== status) return
    const { due } = entry.verdict
    if (!due || due.atMs > options.clock.now()) continue
    await prove(prover, entry, { trigger: due.trigger, signal })
    await tell(proved(prover))
  }
}

/** With a trigger everything is proved again, else what is new alone. */
async function rediscover(prover: Prover, status: RuntimeStatus, trigger?: Trigger): Promise<void> {
  const { entries, options } = prover
  if (trigger) prover.isStale = undefined
  const found = await discoverHandlers(status, options.known)
  const names = new Set(found.map(({ name }) => name))
  for (const name of entries.keys()) if (!names.has(name)) entries.delete(name)
  const atMs = options.clock.now()
  for (const facts of found) {
    const old = entries.get(facts.name)
    if (old) Object.assign(old, { facts, verdict: trigger ? sooner(old.verdict, { atMs, trigger }) : old.verdict })
    else
      entries.set(facts.name, { facts, verdict: unproved(atMs), evidence: {}, signature: '', wasWhole: false, lastCanaryMs: 0 })
  }
}

/** Sees at once what no canary is needed for, and what asks for one. True: its binaries are others than before. */
async function lookAt({ options }: Prover, entry: Entry): Promise<boolean> {
  const { facts, verdict, signature } = entry
  const look = options.simulated
    ? { missing: undefined, signature: options.simulatedFailure(facts.name) ?? 'works' }
    : await lookAtFiles(facts.files)
  entry.signature = look.signature
  if (look.missing === undefined) entry.wasWhole = true
  else if (entry.wasWhole) {
    entry.verdict = afterMissing(verdict, look.missing)
    return false
  }
  const isBack = verdict.reason === 'BinaryNotFound'
  if (!isBack && (signature === '' || signature === look.signature)) return false
  entry.verdict = sooner(verdict, { atMs: options.clock.now(), trigger: 'BinaryChanged' })
  return true
}

interface Why {
  trigger: Trigger
  signal: AbortSignal | undefined
}

async function prove(prover: Prover, entry: Entry, { trigger, signal }: Why): Promise<void> {
  const { options, canaries } = prover
  const { clock, everyMs = options.simulated ? 0 : defaultEveryMs } = options
  const { name } = entry.facts
  const failure = options.simulated ? options.simulatedFailure(name) : undefined
  const result = await runCanary(canaries, name, {
    timeoutMs: canaryMs,
    signal,
    ...(failure === undefined ? {} : { annotations: { 'simulated.polypod.dev/fail-sandbox': failure } }),
    look: options.simulated
      ? undefined
      : async (seen) => {
          entry.evidence = await evidenceOfSandbox(seen, name, clock.now())
        },
  })
  const nowMs = clock.now()
  entry.lastCanaryMs = nowMs
  if (result === 'away') {
    // whoever watches the runtime says when it is back
    entry.verdict = { ...entry.verdict, due: { atMs: nowMs + 1000, trigger } }
    return
  }
  entry.verdict = afterCanary(entry.verdict, trigger, result, { nowMs, everyMs: everyMs > 0 ? everyMs : undefined })
  if (!result.ok) await removeCanaries(canaries)
}

/** The verdict in the words of a Ready condition. */
export const conditionStatus: Record<HandlerReadiness, 'True' | 'False' | 'Unknown'> = {
  ready: 'True',
  'not-ready': 'False',
  pending: 'Unknown',
}
