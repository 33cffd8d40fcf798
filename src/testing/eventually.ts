// Waits for a condition by asking again; for tests only, where the thing asked about gives no signal of its own.
import { systemClock } from '../lib/clock.ts'

/**
 * Calls `attempt` until it neither throws nor returns false/undefined, and returns its value.
 * After `withinMs` (default 10 s) the last error is thrown.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, withinMs = 10_000): Promise<NonNullable<T>> {
  const deadline = systemClock.now() + withinMs
  let last: unknown = new Error('never true')
  for (;;) {
    try {
      const value = await attempt()
      if (value !== false && value !== undefined && value !== null) return value
    } catch (error) {
      last = error
    }
    if (systemClock.now() > deadline) throw last
    await systemClock.sleep(25)
  }
}
