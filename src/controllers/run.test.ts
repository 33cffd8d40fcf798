import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Secret } from '../api/core/secret.ts'
import type { Ref } from '../client/client.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { type Again, type Controller, watching, type World } from './controller.ts'

const map = (name: string, data: Record<string, string> = {}) =>
  objectOf(ConfigMap, { metadata: { name, namespace: 'default' }, data })

function controllerOf(
  reconcile: (ref: Ref, world: World) => Promise<Again | undefined>,
  more: Partial<Controller> = {},
): Controller {
  return { name: 'test', watches: [watching(ConfigMap)], reconcile, ...more }
}

describe('a controller', () => {
  it('looks at what is there, at what changes, and at what is gone', async () => {
    const seen: string[] = []
    const { client } = await openControlPlane(
      controllerOf(async ({ namespace, name }, { mirrored }) => {
        const present = mirrored(ConfigMap).get({ namespace, name })
        seen.push(`${namespace}/${name} ${present?.data?.text}`)
        return undefined
      }),
    )
    await client.create(ConfigMap, map('a', { text: '1' }))
    await eventually(() => seen.length === 1)
    await client.update(ConfigMap, map('a', { text: '2' }))
    await eventually(() => seen.length === 2)
    await client.delete(ConfigMap, { namespace: 'default', name: 'a' })
    await eventually(() => seen.length === 3)
    assert.deepEqual(seen, ['default/a 1', 'default/a 2', 'default/a undefined'])
  })

  it('is woken by other kinds, and by its own start', async () => {
    const seen: string[] = []
    const owner = watching(Secret, ({ object }) => [{ namespace: 'default', name: `of-${object.metadata.name}` }])
    const { client } = await openControlPlane(
      controllerOf(
        async ({ name }) => {
          seen.push(name)
          return undefined
        },
        { watches: [owner], starts: [{ name: 'start' }] },
      ),
    )
    await client.create(Secret, objectOf(Secret, { metadata: { name: 's', namespace: 'default' } }))
    await eventually(() => seen.length === 2)
    assert.deepEqual(seen.sort(), ['of-s', 'start'])
  })

  it('comes again when it asks to', async () => {
    let turns = 0
    const { clock } = await openControlPlane(
      controllerOf(async () => ({ againMs: 1000 * ++turns }), { watches: [], starts: [{ name: 'sweep' }] }),
    )
    await eventually(() => turns === 1)
    await clock.advance(999)
    assert.equal(turns, 1)
    await clock.advance(1)
    assert.equal(turns, 2)
    await clock.advance(1999)
    assert.equal(turns, 2)
    await clock.advance(1)
    assert.equal(turns, 3)
  })

  it('tries a conflict again at once', async () => {
    let turns = 0
    const { client, logged } = await openControlPlane(
      controllerOf(async (ref, world) => {
        const present = await world.client.get(ConfigMap, ref)
        if (present.data?.done) return undefined
        // somebody else writes in between, the first time
        if (turns++ === 0) await world.client.update(ConfigMap, map('a', { other: 'x' }))
        await world.client.update(ConfigMap, { ...present, data: { ...present.data, done: 'yes' } })
        return undefined
      }),
    )
    await client.create(ConfigMap, map('a'))
    const done = await eventually(async () => {
      const { data } = await client.get(ConfigMap, { namespace: 'default', name: 'a' })
      return data?.done ? data : undefined
    })
    assert.deepEqual([done, turns, logged], [{ other: 'x', done: 'yes' }, 2, []])
  })

  it('lets go of what is not there', async () => {
    let turns = 0
    const { clock, logged } = await openControlPlane(
      controllerOf(
        async (ref, world) => {
          turns += 1
          await world.client.get(ConfigMap, ref)
          return undefined
        },
        { watches: [], starts: [{ namespace: 'default', name: 'nope' }] },
      ),
    )
    await eventually(() => turns === 1)
    await clock.advance(3_600_000)
    assert.deepEqual([turns, logged], [1, []])
  })

  it('logs any other failure and comes again later and later', async () => {
    let turns = 0
    const { clock, logged } = await openControlPlane(
      controllerOf(
        async () => {
          turns += 1
          if (turns < 4) throw new Error('no luck')
          return undefined
        },
        { watches: [], starts: [{ namespace: 'ns', name: 'a' }] },
      ),
    )
    await eventually(() => logged.length === 1)
    await clock.advance(5)
    await clock.advance(9)
    assert.equal(turns, 2)
    await clock.advance(1)
    assert.equal(turns, 3)
    await clock.advance(20)
    assert.equal(turns, 4)
    assert.deepEqual(logged, ['test: ns/a: no luck', 'test: ns/a: no luck', 'test: ns/a: no luck'])
  })

  it('never works on one key twice at a time, and works on several at once', async () => {
    const working = new Set<string>()
    let most = 0
    let turns = 0
    const { client } = await openControlPlane(
      controllerOf(async ({ name }) => {
        assert.ok(!working.has(name), `${name} twice`)
        working.add(name)
        most = Math.max(most, working.size)
        await new Promise<void>((resolve) => void setImmediate(resolve))
        working.delete(name)
        turns += 1
        return undefined
      }),
    )
    await Promise.all(['a', 'b', 'c', 'd', 'e'].map((name) => client.create(ConfigMap, map(name))))
    for (const text of ['1', '2', '3']) await client.update(ConfigMap, map('a', { text }))
    await eventually(() => turns >= 5 && working.size === 0)
    assert.ok(most > 1 && most <= 4, `${most} at once`)
  })
})
