import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import type { PodStatus } from '../api/core/pod-status.ts'
import { internal } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { deferred } from '../lib/deferred.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { eventually } from '../testing/eventually.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { samplePod } from './sample-pod.ts'
import { statusWriter } from './status-writer.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function open() {
  const clock = manualClock()
  const store = memoryStore()
  const server = await openApiServer({ store, plugins: [], clock })
  const real = server.client('tester')
  const pod = await real.create(Pod, samplePod({ nodeName: 'n' }, { uid: undefined }))
  const written: (string | undefined)[] = []
  /** What the next updates do first; may throw. */
  const before: (() => Promise<void>)[] = []
  const update: Client['update'] = async (kind, object, options) => {
    await before.shift()?.()
    const stored = await real.update(kind, object, options)
    written.push((stored as unknown as Pod).status.message)
    return stored
  }
  const stop = new AbortController()
  closing.push(async () => {
    stop.abort()
    await server.close()
    await store.close()
  })
  const writer = statusWriter({ client: { ...real, update }, clock, signal: stop.signal, log: () => {} })
  const says = (message: string): PodStatus => ({ ...pod.status, message })
  const stored = () => real.get(Pod, pod.metadata)
  const until = (message: string) => eventually(async () => (await stored()).status.message === message)
  return { clock, pod, real, writer, written, before, says, stored, until }
}

describe('statusWriter', () => {
  it('writes the newest of what is put while it writes', async () => {
    const { pod, writer, written, before, says, until } = await open()
    const held = deferred<void>()
    before.push(() => held.promise)
    for (const message of ['one', 'two', 'three']) writer.put(pod, says(message))
    held.resolve()
    await until('three')
    assert.deepEqual(written, ['one', 'three'])
  })

  it('writes nothing that is stored already', async () => {
    const { pod, writer, written, says, until, stored } = await open()
    writer.put(pod, says('one'))
    await until('one')
    writer.put(await stored(), says('one'))
    writer.put(await stored(), says('two'))
    await until('two')
    assert.deepEqual(written, ['one', 'two'])
  })

  it('keeps what others write of the Pod', async () => {
    const { pod, real, writer, before, says, until, stored } = await open()
    before.push(async () => {
      const conditions = [{ type: 'lb/ready', status: 'True' }]
      await real.update(Pod, { ...pod, status: { ...pod.status, conditions } }, { subresource: 'status' })
    })
    writer.put(pod, says('one'))
    await until('one')
    assert.deepEqual((await stored()).status.conditions, [{ type: 'lb/ready', status: 'True' }])
  })

  it('tries again when the server fails', async () => {
    const { clock, pod, writer, before, says, until, written } = await open()
    before.push(() => Promise.reject(internal('no')))
    writer.put(pod, says('one'))
    await eventually(() => clock.pending() > 0)
    assert.deepEqual(written, [])
    await clock.advance(100)
    await until('one')
  })

  it('deletes a Pod only after its last status is stored', async () => {
    const { pod, real, writer, before, says, written } = await open()
    const held = deferred<void>()
    before.push(() => held.promise)
    writer.put(pod, says('last words'))
    writer.finish(pod)
    assert.equal((await real.list(Pod)).items.length, 1)
    held.resolve()
    await eventually(async () => (await real.list(Pod)).items.length === 0)
    assert.deepEqual(written, ['last words'])
  })

  it('does not touch another Pod of the same name', async () => {
    const { pod, real, writer, before, says } = await open()
    before.push(async () => {
      await real.delete(Pod, pod.metadata, { gracePeriodSeconds: 0 })
      await real.create(Pod, samplePod({ nodeName: 'n' }, { uid: undefined }))
    })
    writer.put(pod, says('one'))
    writer.finish(pod)
    await eventually(async () => (await real.list(Pod)).items.some((p) => p.metadata.uid !== pod.metadata.uid))
    // nothing says that it gave up: whatever it still does comes before this
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => void setImmediate(resolve))
    const [other] = (await real.list(Pod)).items
    assert.notEqual(other?.metadata.uid, pod.metadata.uid)
    assert.equal(other?.status.message, undefined)
  })
})
