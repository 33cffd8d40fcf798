// Whether the runtime answers, what it offers, and what happens in it.
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../lib/clock.ts'
import type { ContainerEvent, Runtime, RuntimeStatus } from './cri/runtime.ts'

export interface RuntimeWatch {
  /** As asked last; undefined while it does not answer. */
  status(): RuntimeStatus | undefined
}

export interface RuntimeWatchOptions {
  runtime: Pick<Runtime, 'status' | 'events'>
  clock: Clock
  signal: AbortSignal
  /** It went away, came back, or offers something else; once at the start. */
  onChange: (status: RuntimeStatus | undefined) => void
  onEvent: (event: ContainerEvent) => void
  /** Events may have been missed. */
  onGap: () => void
}

const askEveryMs = 5000
/** While it is away: its return is noticed at once. */
const askAwayEveryMs = 250

/** Resolves after the first answer or failure; goes on until `signal` aborts, `ended` then resolves. */
export async function watchRuntime(options: RuntimeWatchOptions): Promise<RuntimeWatch & { ended: Promise<void> }> {
  const state: State = { options, status: undefined, told: false }
  await ask(state)
  return { status: () => state.status, ended: Promise.all([keepAsking(state), keepListening(state)]).then(() => undefined) }
}

interface State {
  options: RuntimeWatchOptions
  status: RuntimeStatus | undefined
  told: boolean
}

async function ask(state: State): Promise<void> {
  const { runtime, onChange } = state.options
  const status = await runtime.status().catch(() => undefined)
  if (state.told && isDeepStrictEqual(status, state.status)) return
  state.status = status
  state.told = true
  onChange(status)
}

async function keepAsking(state: State): Promise<void> {
  const { clock, signal } = state.options
  while (!signal.aborted) {
    await clock.sleep(state.status?.runtimeReady ? askEveryMs : askAwayEveryMs, signal)
    if (!signal.aborted) await ask(state)
  }
}

/** The stream ends when the runtime goes away: that is looked into at once, and the stream opened again when it is back. */
async function keepListening(state: State): Promise<void> {
  const { runtime, clock, signal, onEvent, onGap } = state.options
  for (let first = true; !signal.aborted; first = false) {
    if (!first) onGap()
    try {
      for await (const event of runtime.events(signal)) onEvent(event)
    } catch {
      // as good as an end
    }
    if (signal.aborted) return
    await ask(state)
    // a runtime without events is asked again now and then, in case it learns
    await clock.sleep(state.status ? askEveryMs : askAwayEveryMs, signal)
  }
}
