// The patterns of pod_annotations and container_annotations: Go's path.Match, in which `*` stops at "/".

/** One character of a pattern: what it may be. */
interface Piece {
  star: boolean
  fits(char: string): boolean
  /** Characters worth trying when two patterns are compared. */
  samples: string[]
}

const literal = (wanted: string): Piece => ({ star: false, fits: (char) => char === wanted, samples: [wanted] })
const notSlash = (char: string) => char !== '/'

/** Undefined for a pattern that Go calls malformed: containerd then never matches it. */
export function globPieces(pattern: string): Piece[] | undefined {
  const pieces: Piece[] = []
  const chars = Array.from(pattern)
  for (let i = 0; i < chars.length; i += 1) {
    const char = chars[i] ?? ''
    if (char === '*') pieces.push({ star: true, fits: notSlash, samples: ['a'] })
    else if (char === '?') pieces.push({ star: false, fits: notSlash, samples: ['a'] })
    else if (char === '\\') {
      i += 1
      const next = chars[i]
      if (next === undefined) return undefined
      pieces.push(literal(next))
    } else if (char === '[') {
      const found = charClass(chars, i)
      if (!found) return undefined
      pieces.push(found.piece)
      i = found.end
    } else pieces.push(literal(char))
  }
  return pieces
}

function charClass(chars: readonly string[], from: number): { piece: Piece; end: number } | undefined {
  let i = from + 1
  const negated = chars[i] === '^'
  if (negated) i += 1
  const ranges: [string, string][] = []
  const one = (): string | undefined => {
    const char = chars[i]
    if (char === undefined || char === '-' || (char === ']' && ranges.length > 0)) return undefined
    if (char !== '\\') {
      i += 1
      return char
    }
    i += 2
    return chars[i - 1]
  }
  for (;;) {
    if (chars[i] === ']' && ranges.length > 0) break
    const low = one()
    if (low === undefined) return undefined
    let high: string | undefined = low
    if (chars[i] === '-') {
      i += 1
      high = one()
      if (high === undefined) return undefined
    }
    ranges.push([low, high])
  }
  const fits = (char: string) => notSlash(char) && ranges.some(([low, high]) => char >= low && char <= high) !== negated
  return { piece: { star: false, fits, samples: ranges.flat() }, end: i }
}

/** Whether some annotation fits both. False when either is malformed. */
export function globsOverlap(one: string, other: string): boolean {
  const [a, b] = [globPieces(one), globPieces(other)]
  if (!a || !b) return false
  const samples = new Set([...[...a, ...b].flatMap((piece) => piece.samples), 'a', 'z', '.', '-', '0', '~'])
  const common = (x: Piece, y: Piece) => [...samples].some((char) => x.fits(char) && y.fits(char))
  const seen = new Map<number, boolean>()
  const from = (i: number, j: number): boolean => {
    const id = i * (b.length + 1) + j
    const known = seen.get(id)
    if (known !== undefined) return known
    seen.set(id, false)
    const answer = step(i, j)
    seen.set(id, answer)
    return answer
  }
  const step = (i: number, j: number): boolean => {
    const [x, y] = [a[i], b[j]]
    if (!x && !y) return true
    // a star may stand for nothing
    if ((x?.star && from(i + 1, j)) || (y?.star && from(i, j + 1))) return true
    if (!x || !y || !common(x, y)) return false
    return from(x.star ? i : i + 1, y.star ? j : j + 1)
  }
  return from(0, 0)
}
