import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { rfc3339 } from '../lib/clock.ts'
import { objectOf, openControlPlane, type TestControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { eventTtl } from './event-ttl.ts'

const hourMs = 3_600_000
const names = async ({ client }: TestControlPlane) => (await client.list(Event)).items.map(({ metadata }) => metadata.name)
const say = (world: TestControlPlane, name: string, lastTimestamp = rfc3339(world.clock.now())) => {
  const fields = { involvedObject: { namespace: 'default' }, lastTimestamp, count: 1 }
  return world.client.create(Event, objectOf(Event, { metadata: { name, namespace: 'default' }, ...fields }))
}

describe('old Events', () => {
  it('go after an hour; those said again stay an hour longer', async () => {
    const world = await openControlPlane(eventTtl())
    const again = await say(world, 'again')
    await say(world, 'once')
    await eventually(() => world.clock.pending() > 2)
    await world.clock.advance(hourMs / 2)
    const body = { count: 2, lastTimestamp: rfc3339(world.clock.now()) }
    await world.client.patch(Event, again.metadata, { type: 'merge', body })
    await world.clock.advance(hourMs / 2 - 1000)
    assert.deepEqual(await names(world), ['again', 'once'])
    await world.clock.advance(1000)
    await eventually(async () => assert.deepEqual(await names(world), ['again']) ?? true)
    await world.clock.advance(hourMs / 2)
    await eventually(async () => assert.deepEqual(await names(world), []) ?? true)
  })

  it('go by their creation when they claim to come from the future', async () => {
    const world = await openControlPlane(eventTtl())
    await say(world, 'odd', '2999-01-01T00:00:00Z')
    await eventually(() => world.clock.pending() > 1)
    await world.clock.advance(hourMs)
    await eventually(async () => assert.deepEqual(await names(world), []) ?? true)
  })
})
