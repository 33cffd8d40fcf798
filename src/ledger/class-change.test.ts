import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { type ChangeFacts, classChange } from './class-change.ts'

const into = { unknown: [] }
const kata = (podFixed?: object) =>
  RuntimeClass.decode({ metadata: { name: 'kata' }, handler: 'kata', ...(podFixed ? { overhead: { podFixed } } : {}) }, into)
const podOf = (name: string, runtimeClassName: string, overhead?: object, status: object = { phase: 'Running' }) => {
  const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu: '100m' } } }]
  const spec = { nodeName: 'a', runtimeClassName, containers, ...(overhead ? { overhead } : {}) }
  return Pod.decode({ metadata: { name, namespace: 'default' }, spec, status }, into)
}
const quota = (used: object, hard: object) =>
  ResourceQuota.decode({ metadata: { name: 'q', namespace: 'default' }, spec: { hard }, status: { hard, used } }, into)

const facts: ChangeFacts = {
  pods: [
    podOf('one', 'kata', { cpu: '200m' }),
    podOf('two', 'kata', { cpu: '200m' }),
    podOf('new', 'kata', { cpu: '0.5' }),
    podOf('over', 'kata', { cpu: '200m' }, { phase: 'Succeeded' }),
    podOf('plain', 'runc'),
  ],
  nodes: [
    Node.decode({ metadata: { name: 'a' }, status: { allocatable: { cpu: '1700m', memory: '1Gi' } } }, into),
    Node.decode({ metadata: { name: 'b' }, status: { allocatable: { cpu: '1' } } }, into),
  ],
  quotas: [quota({ 'requests.cpu': '1300m', pods: '4' }, { 'requests.cpu': '2', pods: '9' })],
  now: 0,
}

describe('a change of a class', () => {
  it('leaves Pods with the old overhead, and says what counts and what finds no room when they are recycled', () => {
    const stale = { namespace: 'default', node: 'a', class: 'kata', has: 'cpu=200m', declared: 'cpu=500m' }
    assert.deepEqual(classChange(kata({ cpu: '500m' }), facts), {
      class: 'kata',
      stale: [
        { ...stale, name: 'one' },
        { ...stale, name: 'two' },
      ],
      counts: [
        { where: 'Node a', resource: 'cpu', now: '1300m', after: '1900m', limit: '1700m', fits: false },
        { where: 'ResourceQuota default/q', resource: 'requests.cpu', now: '1300m', after: '1900m', limit: '2', fits: true },
      ],
      // the first takes the room there is
      noLongerFit: [{ pod: 'Pod default/two', where: 'Node a', resource: 'cpu' }],
    })
  })

  it('may name a resource that no node has', () => {
    const found = classChange(kata({ cpu: '200m', 'example.com/vm': '1' }), { ...facts, pods: facts.pods.slice(0, 2) })
    assert.deepEqual(found.counts, [
      { where: 'Node a', resource: 'example.com/vm', now: '0', after: '2', limit: '0', fits: false },
    ])
    assert.deepEqual(
      found.noLongerFit.map(({ pod }) => pod),
      ['Pod default/one', 'Pod default/two'],
    )
  })

  it('exceeds a quota', () => {
    const tight = [quota({ 'requests.cpu': '600m' }, { 'requests.cpu': '900m' })]
    const found = classChange(kata({ cpu: '400m' }), { ...facts, pods: facts.pods.slice(0, 2), quotas: tight })
    assert.deepEqual(
      found.counts.filter(({ fits }) => !fits),
      [{ where: 'ResourceQuota default/q', resource: 'requests.cpu', now: '600m', after: '1', limit: '900m', fits: false }],
    )
    assert.deepEqual(found.noLongerFit, [{ pod: 'Pod default/two', where: 'ResourceQuota default/q', resource: 'requests.cpu' }])
  })

  it('frees room, and is nothing where nothing changes', () => {
    const smaller = classChange(kata(), { ...facts, quotas: [] })
    assert.deepEqual(
      [smaller.counts, smaller.noLongerFit],
      [[{ where: 'Node a', resource: 'cpu', now: '1300m', after: '400m', limit: '1700m', fits: true }], []],
    )
    const same = classChange(kata({ cpu: '0.2' }), { ...facts, pods: facts.pods.slice(0, 2) })
    assert.deepEqual(same, { class: 'kata', stale: [], counts: [], noLongerFit: [] })
  })
})
