import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { openScope } from './scope.ts'

describe('a scope', () => {
  it('closes what it owns, last first, and all of it when one fails', async () => {
    const scope = openScope()
    const closed: string[] = []
    const resource = (name: string, close = async () => {}) => ({
      async close() {
        closed.push(name)
        await close()
      },
    })
    scope.own(resource('first'))
    scope.own(resource('second', () => Promise.reject(new Error('second is stuck'))))
    scope.own(resource('third', () => Promise.reject(new Error('third is stuck'))))
    await assert.rejects(scope.close(), { message: 'third is stuck' })
    await assert.rejects(scope.close(), { message: 'third is stuck' })
    assert.deepEqual(closed, ['third', 'second', 'first'])
  })

  it('ends its tasks before it closes anything, and itself when a task fails', async () => {
    const told: string[] = []
    const scope = openScope((name, error) => told.push(`${name}: ${String(error)}`))
    scope.own({ close: () => void told.push('closed') })
    scope.run(
      'waits',
      (signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(void told.push('ended')))),
    )
    scope.run('fails', () => Promise.reject(new Error('no')))
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(scope.signal.aborted, true)
    await scope.close()
    assert.deepEqual(told.toSorted(), ['closed', 'ended', 'fails: Error: no'])
    assert.ok(told.indexOf('ended') < told.indexOf('closed'))
  })
})
