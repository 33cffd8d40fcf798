// What goes wrong around the API server: lost history, clients that do not read, a full disk, broken files.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { memoryStore } from '../../src/store/memory.ts'
import { ask, startTestServer } from './http-server.ts'

const maps = '/api/v1/namespaces/default/configmaps'

describe('a watch over HTTP', () => {
  it('from a compacted revision is told 410 Expired in an ERROR event, and ends', async () => {
    const store = memoryStore()
    for (const n of [0, 1, 2]) await store.set(`/registry/configmaps/default/${n}`, 0, configMap(String(n)))
    await store.compact(3)
    await using server = await startTestServer({ store })
    const { code, headers, text } = await ask(server, `${maps}?watch=1&resourceVersion=1`)
    const object = {
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
      ...{ message: 'too old resource version: 1 (3)', reason: 'Expired', code: 410 },
    }
    assert.deepEqual([code, headers['content-type']], [200, 'application/json'])
    assert.equal(text, `${JSON.stringify({ type: 'ERROR', object })}\n`)
  })
})

const configMap = (name: string, text = '') =>
  Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'default' }, data: { text } }))
