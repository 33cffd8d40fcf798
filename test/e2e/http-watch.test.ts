// Watches as they are on the wire: lines, tables, bookmarks, ends, and clients that do not read.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:tls'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import type { Client } from '../../src/client/client.ts'
import { type Clock, systemClock } from '../../src/lib/clock.ts'
import { stalledMs } from '../../src/server/watch-stream.ts'
import { cases } from '../../src/testing/cases.ts'
import { configMap } from '../../src/testing/api-server.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { ask, seedDefaultNamespace, startTestServer, type TestServer } from './http-server.ts'

let server: TestServer
let client: Client
/** What would happen if time stood still for a client that does not read. */
let stalled: (() => void)[]
/** Watches that HTTP has open in the ApiServer. */
let open: number

const clock: Clock = {
  ...systemClock,
  after(ms, wake) {
    if (ms !== stalledMs) return systemClock.after(ms, wake)
    stalled.push(wake)
    return () => (stalled = stalled.filter((other) => other !== wake))
  },
}

beforeEach(async () => {
  stalled = []
  open = 0
  server = await startTestServer({
    clock,
    wrap: (api) => ({
      ...api,
      async *watch(kind, query) {
        open++
        try {
          yield* api.watch(kind, query)
        } finally {
          open--
        }
      },
    }),
  })
  client = server.api.client('tester')
  await seedDefaultNamespace(client)
})
afterEach(async () => {
  await server.close()
  assert.deepEqual(server.logged, [])
})

const maps = '/api/v1/namespaces/default/configmaps'

interface Line {
  type: string
  object: {
    kind: string
    metadata: ConfigMap['metadata']
    code?: number
    message?: string
    rows?: unknown[]
    columnDefinitions?: unknown[]
  }
}
interface Watching {
  lines: Line[]
  ended: boolean
  stop(): void
}

async function watch(query: string, headers: Record<string, string> = {}): Promise<Watching> {
  const { ca, admin } = server.certificates
  const request = https.get(`${server.http.url}${maps}?watch=1&${query}`, { ca, ...admin, headers, agent: false })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  assert.equal(response.statusCode, 200)
  const watching: Watching = { lines: [], ended: false, stop: () => request.destroy() }
  response.on('error', () => undefined)
  response.on('end', () => (watching.ended = true))
  let rest = ''
  response.setEncoding('utf8').on('data', (part: string) => {
    const lines = `${rest}${part}`.split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) watching.lines.push(JSON.parse(line) as Line)
  })
  return watching
}
const short = ({ lines }: Watching) => lines.map(({ type, object }) => `${type} ${object.metadata.name ?? object.kind}`)

describe('a watch', () => {
  it('sends what is there and every change, as the object is stored', async () => {
    await client.create(ConfigMap, configMap('a'))
    const watching = await watch('')
    await eventually(() => watching.lines.length === 1)
    const changed = await client.update(ConfigMap, configMap('a', { data: { x: 'é' } }))
    await client.delete(ConfigMap, { namespace: 'default', name: 'a' })
    await eventually(() => watching.lines.length === 3)
    assert.deepEqual(short(watching), ['ADDED a', 'MODIFIED a', 'DELETED a'])
    assert.deepEqual(watching.lines[1]?.object, changed)
    watching.stop()
    await eventually(() => open === 0)
  })

  it('answers at once when there is nothing to send', async () => {
    const watching = await watch('')
    assert.deepEqual(watching.lines, [])
    watching.stop()
  })

  it('begins where it is told to, and selects', async () => {
    await client.create(ConfigMap, configMap('a'))
    const { resourceVersion } = await client.list(ConfigMap)
    const watching = await watch(`resourceVersion=${resourceVersion}&fieldSelector=metadata.name%3Dc`)
    for (const name of ['b', 'c']) await client.create(ConfigMap, configMap(name))
    await eventually(() => watching.lines.length === 1)
    assert.deepEqual(short(watching), ['ADDED c'])
    watching.stop()
  })

  it('marks the end of what was there', async () => {
    await client.create(ConfigMap, configMap('a'))
    const watching = await watch('sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true')
    await eventually(() => watching.lines.length === 2)
    const [, mark] = watching.lines
    assert.deepEqual(short(watching), ['ADDED a', 'BOOKMARK ConfigMap'])
    assert.deepEqual(mark?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' })
    assert.match(mark?.object.metadata.resourceVersion ?? '', /^\d+$/)
    watching.stop()
  })

  it('sends rows, with the columns once', async () => {
    const watching = await watch('', { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
    for (const name of ['a', 'b']) await client.create(ConfigMap, configMap(name))
    await eventually(() => watching.lines.length === 2)
    assert.deepEqual(
      watching.lines.map(({ object }) => [object.kind, object.rows?.length, (object.columnDefinitions?.length ?? 0) > 0]),
      [
        ['Table', 1, true],
        ['Table', 1, false],
      ],
    )
    watching.stop()
  })

  it('sends only metadata to those who want no more', async () => {
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    const watching = await watch('', { accept })
    await client.create(ConfigMap, configMap('a', { data: { x: '1' } }))
    await eventually(() => watching.lines.length === 1)
    assert.deepEqual(Object.keys(watching.lines[0]?.object ?? {}), ['kind', 'apiVersion', 'metadata'])
    watching.stop()
  })

  it('ends when its time is over', async () => {
    const watching = await watch('timeoutSeconds=1')
    await eventually(() => watching.ended)
    assert.deepEqual([watching.lines, open], [[], 0])
  })

  it('is refused before it begins when the start makes no sense', async () => {
    const { code, json } = await ask(server, `${maps}?watch=1&resourceVersion=x`)
    assert.deepEqual([code, json.reason], [400, 'BadRequest'])
  })

  it('ends with the server', async () => {
    const watching = await watch('')
    await eventually(() => open === 1)
    await server.http.close()
    await eventually(() => open === 0)
    assert.deepEqual(watching.lines, [])
  })
})

describe('a client that does not read', () => {
  interface Silent {
    ready: Promise<unknown>
    close(): void
  }
  const connected = () => ({ ca: server.certificates.ca, ...server.certificates.admin })
  cases(
    [
      {
        name: 'over HTTP/1.1 is cut, and nothing is held for it',
        begin: (): Silent => {
          const socket = connect({ host: '127.0.0.1', port: server.http.port, ...connected() })
          socket.on('error', () => undefined)
          socket.write(`GET ${maps}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n`)
          return { ready: once(socket, 'readable'), close: () => socket.destroy() }
        },
      },
      {
        name: 'over HTTP/2 is cut, and nothing is held for it',
        begin: (): Silent => {
          const session = http2.connect(server.http.url, connected())
          const stream = session.request({ ':path': `${maps}?watch=1` })
          stream.on('error', () => undefined)
          return { ready: once(stream, 'response'), close: () => session.destroy() }
        },
      },
    ],
    async ({ begin }) => {
      const silent = begin()
      await silent.ready
      const filled = configMap('big', { data: { x: 'x'.repeat(500_000) } })
      await client.create(ConfigMap, filled)
      for (let i = 0; i < 100 && stalled.length === 0; i++)
        await client.update(ConfigMap, { ...filled, data: { x: `${i}`.padEnd(500_000, 'x') } })
      const [cut] = await eventually(() => (stalled.length > 0 ? stalled : undefined))
      assert.equal(open, 1)
      cut?.()
      await eventually(() => open === 0)
      silent.close()
    },
  )
})
