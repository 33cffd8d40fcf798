// Names that somebody may have meant.

/** Those that are near, the nearest first. */
export function similarTo(name: string, names: readonly string[]): string[] {
  const within = Math.max(2, Math.floor(name.length / 3))
  const scored = names.flatMap((other) => {
    if (other === name) return []
    const far = distance(name, other)
    const contains = Math.min(name.length, other.length) > 2 && (other.includes(name) || name.includes(other))
    return far <= within || contains ? [{ other, far: contains ? Math.min(far, within) : far }] : []
  })
  return scored.sort((a, b) => a.far - b.far || (a.other < b.other ? -1 : 1)).map(({ other }) => other)
}

/** Letters to add, drop or replace (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
