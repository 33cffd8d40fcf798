// A table of cases that cannot rot: a column that no assertion reads fails its row.
import assert from 'node:assert/strict'
import { it } from 'vitest'

export function cases<Row extends { name: string }>(rows: readonly Row[], check: (row: Row) => void | Promise<void>): void {
  for (const row of rows) {
    it(row.name, async () => {
      const unread = new Set<PropertyKey>(Object.keys(row))
      const watched = new Proxy(row, {
        get(target, column) {
          unread.delete(column)
          return Reflect.get(target, column) as unknown
        },
      })
      await check(watched)
      unread.delete('name')
      assert.deepEqual([...unread], [], 'columns the test never read')
    })
  }
}
