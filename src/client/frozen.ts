// Objects that nobody can change, all the way down.

/** Freezes in place and returns its argument; stops at what is frozen already. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const part of Object.values(value)) deepFrozen(part)
  return value
}
