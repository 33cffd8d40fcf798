import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { accountLines, accountOf } from './account.ts'

const pod = (requests: object, limits: object, overhead?: object, phase = 'Running') =>
  Pod.decode(
    {
      metadata: { name: 'p', namespace: 'default' },
      spec: { containers: [{ name: 'c', image: 'i', resources: { requests, limits } }], ...(overhead ? { overhead } : {}) },
      status: { phase },
    },
    { unknown: [] },
  )

describe('an account', () => {
  it('adds up containers and overhead of the Pods that are not over', () => {
    const account = accountOf([
      pod({ cpu: '100m', memory: '100Mi' }, { cpu: '100m', memory: '100Mi' }, { cpu: '200m', memory: '140Mi' }),
      pod({ cpu: '0.9' }, {}, { cpu: '250m', 'example.com/gpu': '1' }),
      pod({}, {}),
      pod({ cpu: '7' }, {}, { cpu: '1' }, 'Succeeded'),
      pod({ cpu: '7' }, {}, { cpu: '1' }, 'Failed'),
    ])
    assert.equal(account.pods, 3)
    const requests = accountLines(account.requests)
    assert.deepEqual(requests, {
      cpu: { containers: '1', overhead: '450m', total: '1450m' },
      memory: { containers: '100Mi', overhead: '140Mi', total: '240Mi' },
      'example.com/gpu': { containers: '0', overhead: '1', total: '1' },
    })
    assert.deepEqual(Object.keys(requests), ['cpu', 'memory', 'example.com/gpu'])
    // overhead raises only limits that exist
    assert.deepEqual(accountLines(account.limits), {
      cpu: { containers: '100m', overhead: '200m', total: '300m' },
      memory: { containers: '100Mi', overhead: '140Mi', total: '240Mi' },
    })
  })

  it('writes memory in whole Ki, or else as decimal as it is', () => {
    const { memory } = accountLines(accountOf([pod({ memory: '100M' }, {}, { memory: '140Mi' })]).requests)
    assert.deepEqual(memory, { containers: '100M', overhead: '140Mi', total: '246800640' })
  })

  it('of nobody is empty', () => {
    const { pods, requests, limits } = accountOf([])
    assert.deepEqual([pods, accountLines(requests), accountLines(limits)], [0, {}, {}])
  })
})
