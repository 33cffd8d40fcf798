// Structured lifetimes: what a component starts lives in a scope and ends with it.
import { setMaxListeners } from 'node:events'

export interface Scope {
  readonly signal: AbortSignal
  /** Closes `resource` with the scope, last owned first. Returns it. */
  own<T extends { close(): Promise<void> | void }>(resource: T): T
  /** Runs `task` until it ends by itself or the scope closes; a task that throws before that closes the whole scope. */
  run(name: string, task: (signal: AbortSignal) => Promise<void>): void
  /** Aborts the signal, waits for every task, then closes resources in reverse order, all of them; rejects with what the first that failed says. Safe to call twice. */
  close(): Promise<void>
}

/** `onFailure` hears of a task that threw while the scope was open; the scope is closing when it is called. */
export function openScope(onFailure: (name: string, error: unknown) => void = rethrow): Scope {
  const controller = new AbortController()
  // many loops wait on one signal; Node warns from the eleventh on
  setMaxListeners(0, controller.signal)
  const tasks = new Map<Promise<void>, AbortController>()
  const resources: { close(): Promise<void> | void }[] = []
  let closing: Promise<void> | undefined

  const finish = async () => {
    controller.abort()
    for (const own of tasks.values()) own.abort()
    await Promise.all(tasks.keys())
    const failures: unknown[] = []
    for (const resource of resources.reverse()) {
      try {
        await resource.close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  const close = () => (closing ??= finish())
  const run: Scope['run'] = (name, task) => {
    // a signal of its own: adding a listener costs as much as there are, and thousands of nodes would share one
    const own = new AbortController()
    setMaxListeners(0, own.signal)
    if (controller.signal.aborted) own.abort()
    const running = task(own.signal)
      .catch((error: unknown) => {
        if (controller.signal.aborted) return
        void close()
        onFailure(name, error)
      })
      .finally(() => tasks.delete(running))
    tasks.set(running, own)
  }
  return {
    signal: controller.signal,
    own(resource) {
      resources.push(resource)
      return resource
    },
    run,
    close,
  }
}

function rethrow(name: string, error: unknown): void {
  queueMicrotask(() => {
    throw new Error(`${name} failed`, { cause: error })
  })
}

/**
 * Waits until `register`'s callback is called or `signal` aborts, then removes its abort listener.
 * A bare addEventListener per turn of a loop leaks on a signal that lives as long as the process.
 */
export function woken(signal: AbortSignal, register: (wake: () => void) => void): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const wake = () => {
      signal.removeEventListener('abort', wake)
      resolve()
    }
    signal.addEventListener('abort', wake)
    register(wake)
  })
}
