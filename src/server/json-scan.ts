// One pass over a JSON text that JSON.parse would not report on: how deep it goes, and which keys come twice.

/** As Go's decoder: deeper texts are refused. */
export const maxDepth = 10_000

export interface JsonScan {
  tooDeep: boolean
  /** Paths of keys that an object has more than once, such as `spec.containers[0].name`; each once. */
  duplicates: string[]
}

interface Frame {
  /** Seen keys of an object; undefined for a list. */
  keys: Set<string> | undefined
  key: string
  index: number
}

const ends = { quote: 0x22, escape: 0x5c }

/** `text` need not be well-formed; what is wrong with it is for JSON.parse to say. cost: linear. */
export function scanJson(text: string): JsonScan {
  const stack: Frame[] = []
  const duplicates = new Set<string>()
  let wantKey = false
  for (let i = 0; i < text.length; i++) {
    const top = stack.at(-1)
    switch (text[i]) {
      case '{':
      case '[':
        if (stack.length >= maxDepth) return { tooDeep: true, duplicates: [] }
        wantKey = text[i] === '{'
        stack.push({ keys: wantKey ? new Set() : undefined, key: '', index: 0 })
        break
      case '}':
      case ']':
        stack.pop()
        wantKey = false
        break
      case ',':
        if (top) top.index++
        wantKey = top?.keys !== undefined
        break
      case '"': {
        const end = endOfText(text, i)
        if (wantKey && top?.keys) {
          top.key = unquoted(text.slice(i, end + 1))
          if (top.keys.has(top.key)) duplicates.add(pathOf(stack))
          top.keys.add(top.key)
          wantKey = false
        }
        i = end
      }
    }
  }
  return { tooDeep: false, duplicates: [...duplicates] }
}

function endOfText(text: string, start: number): number {
  let i = start + 1
  for (; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === ends.escape) i++
    else if (code === ends.quote) return i
  }
  return i
}

function unquoted(quoted: string): string {
  try {
    return String(JSON.parse(quoted))
  } catch {
    return quoted
  }
}

const pathOf = (stack: readonly Frame[]): string =>
  stack.map(({ keys, key, index }, i) => (keys ? `${i === 0 ? '' : '.'}${key}` : `[${index}]`)).join('')
