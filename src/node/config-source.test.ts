import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Secret } from '../api/core/secret.ts'
import type { Client } from '../client/client.ts'
import { systemClock } from '../lib/clock.ts'
import { configMap, testServer } from '../testing/api-server.ts'
import { eventually } from '../testing/eventually.ts'
import { configNames } from './config-names.ts'
import { configSource } from './config-source.ts'
import { samplePod } from './sample-pod.ts'

async function setUp() {
  const server = await testServer()
  const real = server.client('node')
  const counts = { get: 0, watch: 0 }
  // the same client, counted
  const client: Pick<Client, 'get' | 'list' | 'watch'> = {
    get: (kind, ref) => ((counts.get += 1), real.get(kind, ref)),
    list: (kind, where) => real.list(kind, where),
    watch: (kind, since, where) => ((counts.watch += 1), real.watch(kind, since, where)),
  }
  const changed: string[] = []
  const source = configSource({ client, clock: systemClock, onChange: (uid) => void changed.push(uid) })
  const dataOf = async (name: string) => (await source.configMap('default', name))?.data
  return { real, counts, source, changed, dataOf }
}

const using = (uid: string, ...names: string[]) =>
  samplePod({ volumes: names.map((name) => ({ name, configMap: { name } })) }, { uid })

describe('configSource', () => {
  it('fetches what nobody watches each time it is asked', async () => {
    const { real, counts, source, dataOf } = await setUp()
    assert.equal(await dataOf('a'), undefined)
    assert.equal(await source.secret('default', 'a'), undefined)
    await real.create(ConfigMap, configMap('a', { data: { k: '1' } }))
    assert.deepEqual(await dataOf('a'), { k: '1' })
    assert.deepEqual(counts, { get: 3, watch: 0 })
  })

  it('follows what Pods use, with one watch for all of them, and tells each of changes', async () => {
    const { real, counts, source, changed, dataOf } = await setUp()
    const first = await real.create(ConfigMap, configMap('a', { data: { k: '1' } }))
    source.use(using('p1', 'a'))
    source.use(using('p2', 'a'))
    source.use(using('p2', 'a'))
    assert.deepEqual(await dataOf('a'), { k: '1' })
    await eventually(() => counts.watch === 1)
    const before = counts.get
    assert.deepEqual(await dataOf('a'), { k: '1' })
    assert.equal(counts.get, before)
    changed.length = 0
    await real.update(ConfigMap, { ...first, data: { k: '2' } })
    await eventually(() => isDeepStrictEqual(changed.toSorted(), ['p1', 'p2']))
    assert.deepEqual(await dataOf('a'), { k: '2' })
    source.release('p1')
    await real.delete(ConfigMap, { namespace: 'default', name: 'a' })
    await eventually(() => isDeepStrictEqual(changed.slice(2), ['p2']))
    assert.equal(await dataOf('a'), undefined)
    assert.equal(counts.watch, 1)
    source.close()
  })

  it('tells of an object that is made later', async () => {
    const { real, counts, source, changed, dataOf } = await setUp()
    source.use(using('p1', 'later'))
    assert.equal(await dataOf('later'), undefined)
    await eventually(() => counts.watch === 1)
    assert.deepEqual(changed, [])
    await real.create(ConfigMap, configMap('later', { data: { k: '1' } }))
    // the server knows it at once, whatever the watch says
    assert.deepEqual(await dataOf('later'), { k: '1' })
    await eventually(() => isDeepStrictEqual(changed, ['p1']))
    source.close()
  })

  it('ends the watches nobody needs', async () => {
    const { real, counts, source, changed } = await setUp()
    await real.create(ConfigMap, configMap('a'))
    source.use(using('p1', 'a'))
    await eventually(() => counts.watch === 1)
    source.release('p1')
    changed.length = 0
    await real.delete(ConfigMap, { namespace: 'default', name: 'a' })
    source.use(using('p1', 'b'))
    await eventually(() => counts.watch === 2)
    assert.deepEqual(changed, [])
    source.close()
  })

  it('reads an immutable object once and does not watch on', async () => {
    const { real, source, counts } = await setUp()
    const named = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } }
    await real.create(Secret, Secret.decode({ ...named, immutable: true }, { unknown: [] }))
    source.use(samplePod({ volumes: [{ name: 's', secret: { secretName: 's' } }] }))
    await eventually(async () => {
      const before = counts.get
      await source.secret('default', 's')
      return counts.get === before
    })
    assert.equal(counts.watch, 0)
    source.close()
  })
})

describe('configNames', () => {
  it('finds every name a Pod mentions, once', () => {
    const key = (kind: string, name: string) => ({ name: 'X', valueFrom: { [`${kind}KeyRef`]: { name, key: 'k' } } })
    const env = [key('configMap', 'c1'), key('secret', 's1'), key('configMap', 'c1')]
    const envFrom = [{ configMapRef: { name: 'c2' } }, { secretRef: { name: 's2' } }]
    const sources = [{ configMap: { name: 'c4' } }, { secret: { name: 's4' } }]
    const pod = samplePod({
      initContainers: [{ name: 'i', image: 'i', envFrom }],
      containers: [{ name: 'main', image: 'i', env }],
      volumes: [
        { name: 'a', configMap: { name: 'c3' } },
        { name: 'b', secret: { secretName: 's3' } },
        { name: 'c', projected: { sources } },
        { name: 'd', emptyDir: {} },
      ],
      imagePullSecrets: [{ name: 's5' }],
    })
    assert.deepEqual(configNames(pod), { configMaps: ['c1', 'c2', 'c3', 'c4'], secrets: ['s1', 's2', 's3', 's4', 's5'] })
  })
})
