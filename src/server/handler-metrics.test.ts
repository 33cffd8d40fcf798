import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { NodeHandler } from '../api/polypod/node-handler.ts'
import { exposition } from '../lib/prometheus.ts'
import { handlerFamilies } from './handler-metrics.ts'

const handler = (name: string, status: object): NodeHandler =>
  NodeHandler.decode({ metadata: { name: `n.${name}` }, spec: { nodeName: 'n', handler: name }, status }, { unknown: [] })
const ready = (status: string) => ({ conditions: [{ type: 'Ready', status, reason: '', message: '' }] })

describe('metrics of handlers', () => {
  it('say which are ready, and how long canaries took', () => {
    const handlers = [
      handler('crun', { ...ready('False'), canary: { result: 'Failed', durationMs: 20 } }),
      handler('kata', ready('Unknown')),
      handler('runc', { ...ready('True'), canary: { result: 'Succeeded', durationMs: 1500 } }),
    ]
    assert.deepEqual(
      exposition(handlerFamilies(handlers))
        .split('\n')
        .filter((line) => !line.startsWith('#')),
      [
        'polypod_handler_ready{node="n",handler="crun"} 0',
        'polypod_handler_ready{node="n",handler="kata"} 0',
        'polypod_handler_ready{node="n",handler="runc"} 1',
        'polypod_handler_canary_duration_seconds{node="n",handler="crun",result="Failed"} 0.02',
        'polypod_handler_canary_duration_seconds{node="n",handler="runc",result="Succeeded"} 1.5',
        '',
      ],
    )
  })
})
