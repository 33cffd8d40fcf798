// A binary heap: the first of many by an order, without sorting them all.

export interface Heap<T> {
  push(item: T): void
  /** Removes and returns the first. */
  pop(): T | undefined
  size(): number
}

/** `before(a, b)`: a comes out first. */
export function heap<T>(before: (a: T, b: T) => boolean): Heap<T> {
  const items: T[] = []
  const swap = (i: number, j: number) => ([items[i], items[j]] = [items[j] as T, items[i] as T])
  const isBefore = (i: number, j: number) => before(items[i] as T, items[j] as T)
  return {
    push(item) {
      let i = items.push(item) - 1
      for (let parent = (i - 1) >> 1; i > 0 && isBefore(i, parent); i = parent, parent = (i - 1) >> 1) swap(i, parent)
    },
    pop() {
      const first = items[0]
      const last = items.pop()
      if (items.length === 0 || last === undefined) return first
      items[0] = last
      for (let i = 0; ; ) {
        let least = i
        for (const child of [2 * i + 1, 2 * i + 2]) if (child < items.length && isBefore(child, least)) least = child
        if (least === i) return first
        swap(i, least)
        i = least
      }
    },
    size: () => items.length,
  }
}
