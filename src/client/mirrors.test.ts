import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { openControlPlane, objectOf } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import type { Client } from './client.ts'
import { mirrorsOf } from './mirrors.ts'

const configMap = (name: string, labels = {}) => objectOf(ConfigMap, { metadata: { name, namespace: 'default', labels } })

async function open() {
  const { client, clock } = await openControlPlane()
  const stop = new AbortController()
  let lists = 0
  const line: Pick<Client, 'list' | 'watch'> = {
    list: (kind, where) => {
      lists += 1
      return client.list(kind, where)
    },
    watch: (kind, since, where) => client.watch(kind, since, where),
  }
  return { client, mirrors: mirrorsOf({ client: line, clock, signal: stop.signal }), stop, lists: () => lists }
}

/** What is heard of ConfigMaps, as `ADDED a`. */
function ear() {
  const heard: string[] = []
  const stop = new AbortController()
  const onChange = ({ type, object }: { type: string; object: ConfigMap }) => void heard.push(`${type} ${object.metadata.name}`)
  return { heard, stop, interest: { where: { namespace: 'default' }, signal: stop.signal, onChange } }
}

describe('mirrorsOf', () => {
  it('lists once for all, and tells each everything in order', async () => {
    const { client, mirrors, lists } = await open()
    await client.create(ConfigMap, configMap('a'))
    const [first, second, late] = [ear(), ear(), ear()]
    const copies = await Promise.all([mirrors(ConfigMap, first.interest), mirrors(ConfigMap, second.interest)])
    await client.create(ConfigMap, configMap('b'))
    await eventually(() => first.heard.length === 2)
    const third = await mirrors(ConfigMap, late.interest)
    await client.delete(ConfigMap, { namespace: 'default', name: 'a' })
    await eventually(() => first.heard.length === 3)
    const all = ['ADDED a', 'ADDED b', 'DELETED a']
    assert.deepEqual([first.heard, second.heard, late.heard], [all, all, all])
    assert.equal(lists(), 1)
    assert.ok(copies.every((copy) => copy === third))
  })

  it('keeps selections apart', async () => {
    const { client, mirrors } = await open()
    await client.create(ConfigMap, configMap('plain'))
    await client.create(ConfigMap, configMap('marked', { mark: 'yes' }))
    const { signal } = new AbortController()
    const marked = await mirrors(ConfigMap, { where: { labelSelector: 'mark' }, signal })
    const all = await mirrors(ConfigMap, { where: { namespace: 'default' }, signal })
    assert.deepEqual([marked.list().length, all.list().length], [1, 2])
  })

  it('tells nothing to who has left, and goes on for the others', async () => {
    const { client, mirrors } = await open()
    const [gone, there] = [ear(), ear()]
    await mirrors(ConfigMap, gone.interest)
    await mirrors(ConfigMap, there.interest)
    gone.stop.abort()
    await client.create(ConfigMap, configMap('a'))
    await eventually(() => there.heard.length === 1)
    assert.deepEqual(gone.heard, [])
  })
})
