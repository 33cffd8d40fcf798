import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { HandlerMeasurement } from '../api/polypod/handler-measurement.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { applyOverhead, measuredByAnnotation } from './apply-overhead.ts'

const measurement = objectOf(HandlerMeasurement, {
  metadata: { name: 'vm.runc', namespace: 'polypod-system' },
  spec: { nodeName: 'vm', handler: 'runc' },
  status: { recommended: { podFixed: { memory: '5Mi' }, reasons: ['measured'] } },
})

describe('measure --apply', () => {
  const present = async (...made: Record<string, unknown>[]) => {
    const { client } = await openControlPlane()
    for (const fields of made) await client.create(RuntimeClass, objectOf(RuntimeClass, { handler: 'runc', ...fields }))
    const apply = async () => applyOverhead(client, (await client.list(RuntimeClass)).items, measurement)
    const classOf = (name: string) => client.get(RuntimeClass, { name })
    return { apply, classOf }
  }
  const by = 'polypod-system/vm.runc'

  it('makes a class where there is none, and says where its numbers are from', async () => {
    const { apply, classOf } = await present()
    assert.equal(await apply(), 'made RuntimeClass runc with memory=5Mi')
    const { handler, overhead, metadata } = await classOf('runc')
    assert.deepEqual(
      [handler, overhead, metadata.annotations],
      ['runc', { podFixed: { memory: '5Mi' } }, { [measuredByAnnotation]: by }],
    )
    assert.equal(await apply(), 'RuntimeClass runc now declares memory=5Mi (before: memory=5Mi)')
  })

  it('changes the only class of the handler, and keeps what else it says', async () => {
    const scheduling = { nodeSelector: { a: 'b' } }
    const { apply, classOf } = await present({
      metadata: { name: 'fast', annotations: { c: 'd' } },
      overhead: { podFixed: { cpu: '250m', memory: '1Gi' } },
      scheduling,
    })
    assert.equal(await apply(), 'RuntimeClass fast now declares memory=5Mi (before: cpu=250m,memory=1Gi)')
    const changed = await classOf('fast')
    assert.deepEqual(
      [changed.overhead, changed.scheduling, changed.metadata.annotations],
      [{ podFixed: { memory: '5Mi' } }, scheduling, { c: 'd', [measuredByAnnotation]: by }],
    )
  })

  it('prefers the class of the same name, and does not guess between others', async () => {
    const named = await present({ metadata: { name: 'a' } }, { metadata: { name: 'runc' } })
    assert.equal(await named.apply(), 'RuntimeClass runc now declares memory=5Mi (before: nothing)')
    assert.equal((await named.classOf('a')).overhead, undefined)
    const unnamed = await present({ metadata: { name: 'a' } }, { metadata: { name: 'b' } })
    assert.equal(await unnamed.apply(), 'nothing: a, b all name the handler, and none is called runc')
    assert.equal((await unnamed.classOf('b')).overhead, undefined)
  })
})
