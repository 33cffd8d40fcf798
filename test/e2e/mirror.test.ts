// A mirror over real HTTPS: the server is restarted on its port, which cuts the connection.
import assert from 'node:assert/strict'
import { it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import { httpClient } from '../../src/client/http.ts'
import { type Change, mirror } from '../../src/client/mirror.ts'
import { openCertificates } from '../../src/cluster/certs.ts'
import { systemClock as clock } from '../../src/lib/clock.ts'
import { openScope } from '../../src/lib/scope.ts'
import { startHttpServer } from '../../src/server/http.ts'
import { openApiServer } from '../../src/server/open-server.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

it('a mirror over HTTPS survives restarts of the server without a gap or a repetition', async () => {
  const scope = openScope()
  const folder = await mkdtemp(join(tmpdir(), 'mirror-'))
  scope.own({ close: () => rm(folder, { recursive: true, force: true }) })
  const certificates = await openCertificates({ dir: folder, clock })
  const { ca, admin } = certificates
  const store = scope.own(memoryStore())

  /** API server and HTTP on `port`, as one process would have them. */
  const start = async (port: number) => {
    const api = await openApiServer({ store, plugins: [], clock })
    const kubelet = { clientTls: { ...certificates.kubeletClient, ca } }
    const tls = { ...certificates.server, ca }
    const http = await startHttpServer({ api, tls, port, clock, kubelet, log: () => undefined })
    const close = async () => {
      await http.close()
      await api.close()
    }
    return { client: api.client('tester'), http, close }
  }
  let server = await start(0)
  const { port, url } = server.http
  scope.own({ close: () => server.close() })
  const client = scope.own(httpClient({ url, tls: { ca, ...admin } }))

  const set = (name: string, text: string) =>
    server.client.patch(ConfigMap, { namespace: 'ns', name }, { type: 'merge', body: { data: { text } } })
  const make = (name: string) =>
    server.client.create(ConfigMap, ConfigMap.decode({ metadata: { name, namespace: 'ns' } }, { unknown: [] }))
  const told: string[] = []
  const onChange = ({ type, object }: Change<ConfigMap>) => void told.push(`${type} ${object.metadata.name} ${object.data?.text}`)
  const heard = (...lines: string[]) =>
    eventually(() => {
      assert.deepEqual(told, lines)
      return true
    }, 8000)
  try {
    await make('a')
    const m = await mirror(client, ConfigMap, { clock, signal: scope.signal, onChange })
    await set('a', '1')
    await heard('ADDED a undefined', 'MODIFIED a 1')
    // a restart that keeps the history: every change is told
    await server.close()
    server = await start(port)
    await set('a', '2')
    await set('a', '3')
    await heard('ADDED a undefined', 'MODIFIED a 1', 'MODIFIED a 2', 'MODIFIED a 3')
    assert.equal(m.get({ namespace: 'ns', name: 'a' })?.data?.text, '3')
    // a restart that has lost the history meanwhile: the mirror lists again and tells only what differs
    told.length = 0
    await make('b')
    await heard('ADDED b undefined')
    await server.close()
    server = await start(0)
    await set('a', '4')
    await set('a', '5')
    await make('c')
    await server.client.delete(ConfigMap, { namespace: 'ns', name: 'b' })
    await store.compact(await store.revision())
    await server.close()
    server = await start(port)
    const relisted = ['ADDED b undefined', 'DELETED b undefined', 'MODIFIED a 5', 'ADDED c undefined']
    await heard(...relisted)
    await set('c', '1')
    await heard(...relisted, 'MODIFIED c 1')
  } finally {
    await scope.close()
  }
})
