// JSON merge patch, RFC 7396.
import { isRecord } from '../api/schema.ts'

/** The target with the patch merged in: null removes, objects merge, everything else replaces. Changes nothing in place. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch
  // a Map and fromEntries: a key named __proto__ stays a key
  const merged = new Map(Object.entries(isRecord(target) ? target : {}))
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key)
    else merged.set(key, mergePatch(merged.get(key), value))
  }
  return Object.fromEntries(merged)
}
