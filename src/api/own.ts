// Looking up what clients may have named: `constructor` and its like are keys as any other.

/** The value under `key` if the map itself has one, never something inherited. */
export const own = <T>(map: Readonly<Record<string, T>> | undefined, key: string): T | undefined =>
  map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined
