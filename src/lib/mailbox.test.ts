import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { mailbox } from './mailbox.ts'

describe('mailbox', () => {
  it('keeps only the newest wish', async () => {
    const box = mailbox<number>()
    box.put(1)
    box.put(2)
    assert.equal(box.waiting(), true)
    assert.deepEqual(await box.take(new AbortController().signal), { wish: 2 })
    assert.equal(box.waiting(), false)
  })

  it('hands a later wish to whoever waits, undefined included', async () => {
    const box = mailbox<string | undefined>()
    const taken = box.take(new AbortController().signal)
    box.put(undefined)
    assert.deepEqual(await taken, { wish: undefined })
  })

  it('ends on abort and keeps the wish for the next taker', async () => {
    const box = mailbox<string>()
    const stop = new AbortController()
    const taken = box.take(stop.signal)
    stop.abort()
    assert.equal(await taken, undefined)
    box.put('kept')
    assert.equal(await box.take(stop.signal), undefined)
    assert.deepEqual(await box.take(new AbortController().signal), { wish: 'kept' })
  })
})
