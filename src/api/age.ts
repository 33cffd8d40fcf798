// How long ago an instant of an object was.
import { humanDuration } from './human-duration.ts'

/** `at` is RFC 3339 text, `now` in milliseconds. k8s: `<unknown>` where there is no such instant. */
export const since = (at: string | undefined, now: number): string =>
  at === undefined ? '<unknown>' : humanDuration(now - Date.parse(at))
