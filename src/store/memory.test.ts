import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { memoryStore } from './memory.ts'
import { storeContract, written } from './store.contract.ts'
import { CompactedError } from './store.ts'
import { storeModelContract } from './store.model.contract.ts'

storeContract('memory', async () => memoryStore())
storeModelContract('memory', async () => memoryStore())

describe('memoryStore', () => {
  it('forgets the oldest history by itself, by number and by bytes', async () => {
    for (const options of [{ historyLimit: 10 }, { historyBytes: 200 }]) {
      const store = memoryStore(options)
      for (let i = 0; i < 50; i++) await written(store, `/k${i}`, 'x'.repeat(20))
      await assert.rejects(store.list('/', { at: 30 }), CompactedError)
      assert.equal((await store.list('/', { at: 45 })).entries.length, 45)
      assert.equal((await store.list('/')).entries.length, 50)
      await store.close()
    }
  })
})
