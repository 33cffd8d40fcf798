import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { nodeStatus } from './node-status.ts'
import { sampleNode } from '../placement/sample.ts'

describe('the status of a Node', () => {
  it('says false of features that the runtime tells nothing of', () => {
    const old = sampleNode('a').status
    const runtime = { runtimeReady: true, networkReady: true, message: '', handlers: [{ name: 'runc' }] }
    const facts = {
      now: 0,
      capacity: {},
      reserved: {},
      addresses: [],
      nodeInfo: old.nodeInfo,
      kubeletPort: 1,
      images: [],
      runtime,
    }
    assert.deepEqual(nodeStatus(old, facts).runtimeHandlers, [
      { name: 'runc', features: { recursiveReadOnlyMounts: false, userNamespaces: false } },
    ])
  })
})
