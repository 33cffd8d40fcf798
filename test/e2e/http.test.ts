// The API server's HTTP: what is refused and how, and answers as bytes on the wire.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import https from 'node:https'
import { connect } from 'node:tls'
import { gunzipSync } from 'node:zlib'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import { cases } from '../../src/testing/cases.ts'
import type { ApiServer } from '../../src/server/api-server.ts'
import { type Asked, ask, seedDefaultNamespace, startTestServer, type TestServer } from './http-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ wrap: brittle })
  await seedDefaultNamespace(server.api.client('tester'))
})
afterAll(() => server.close())

/** Breaks in a way nobody foresaw when it is asked for the object `bug`. */
const brittle = (api: ApiServer): ApiServer => ({
  ...api,
  get: async (kind, ref) => {
    if (ref.name === 'bug') throw new TypeError('secret of the implementation')
    return api.get(kind, ref)
  },
})

const maps = '/api/v1/namespaces/default/configmaps'
const json = { 'content-type': 'application/json' }
const configMap = (name: string, data: Record<string, string> = {}) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
const post = (body: string | Buffer, more: Asked = {}) => ask(server, maps, { method: 'POST', headers: json, body, ...more })

describe('what is refused', () => {
  const notFound = 'the server could not find the requested resource'
  const cannot = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
  const unrecognized = 'the object provided is unrecognized (must be of type ConfigMap): '
  const patchList = 'application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json'
  const deep = `{"metadata":{"name":"deep"},"x":${'['.repeat(9000)}${']'.repeat(9000)}}`
  const object = `${maps}/there`
  const patch = { method: 'PATCH', headers: { 'content-type': 'application/merge-patch+json' } }
  beforeAll(async () => void (await post(configMap('there'))))

  interface Row {
    name: string
    path?: string
    asked: Asked
    want: string
  }
  const rows: Row[] = [
    { name: 'an unknown kind', path: '/api/v1/poems', asked: {}, want: `404 NotFound: ${notFound}` },
    { name: 'an unknown group', path: '/apis/x.io/v1/poems', asked: {}, want: `404 NotFound: ${notFound}` },
    { name: 'an unknown path', path: '/metricz', asked: {}, want: `404 NotFound: ${notFound}` },
    { name: 'an unknown subresource', path: `${object}/status`, asked: {}, want: `404 NotFound: ${notFound}` },
    {
      name: 'a namespaced object without its namespace',
      path: '/api/v1/configmaps/there',
      asked: {},
      want: `404 NotFound: ${notFound}`,
    },
    { name: 'a cluster object in a namespace', path: '/api/v1/namespaces/a/nodes', asked: {}, want: `404 NotFound: ${notFound}` },
    { name: 'a broken escape', path: '/api/v1/configmaps/%zz', asked: {}, want: `404 NotFound: ${notFound}` },
    { name: 'an unknown object', path: `${maps}/none`, asked: {}, want: '404 NotFound: configmaps "none" not found' },
    {
      name: 'creation in an unknown namespace',
      path: '/api/v1/namespaces/none/configmaps',
      asked: { method: 'POST', headers: json, body: configMap('x') },
      want: '404 NotFound: namespaces "none" not found',
    },
    {
      name: 'creation across namespaces',
      path: '/api/v1/configmaps',
      asked: { method: 'POST', headers: json, body: configMap('x') },
      want: '405 MethodNotAllowed: the server does not allow this method on the requested resource',
    },
    {
      name: 'a method nobody has',
      path: object,
      asked: { method: 'POST', headers: json, body: '{}' },
      want: '405 MethodNotAllowed: the server does not allow this method on the requested resource',
    },
    {
      name: 'broken JSON',
      asked: { method: 'POST', headers: json, body: '{"a":' },
      want: `400 BadRequest: ${unrecognized}couldn't get version/kind; json parse error: unexpected end of JSON input ({"a":)`,
    },
    {
      name: 'broken YAML',
      asked: { method: 'POST', headers: { 'content-type': 'application/yaml' }, body: 'a: b: c' },
      want: `400 BadRequest: ${unrecognized}error converting YAML to JSON: yaml: Nested mappings are not allowed in compact mappings at line 1, column 4: (613a20623a2063)`,
    },
    {
      name: 'invalid UTF-8',
      asked: { method: 'POST', headers: json, body: Buffer.from([0x22, 0xc3, 0x28, 0x22]) },
      want: `400 BadRequest: ${unrecognized}the text is not valid UTF-8 (22c32822)`,
    },
    {
      name: 'JSON that is no object',
      asked: { method: 'POST', headers: json, body: '[1]' },
      want: `400 BadRequest: ${unrecognized}not a JSON object`,
    },
    {
      name: 'a type nobody reads',
      asked: { method: 'POST', headers: { 'content-type': 'text/csv' }, body: 'a' },
      want: '415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    },
    {
      name: 'a patch that applies, which is not served yet',
      path: object,
      asked: { method: 'PATCH', headers: { 'content-type': 'application/apply-patch+yaml' }, body: '{}' },
      want: `415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: ${patchList}`,
    },
    {
      name: 'a broken patch',
      path: object,
      asked: { ...patch, body: '{' },
      want: "400 BadRequest: error decoding patch: couldn't get version/kind; json parse error: Expected property name or '}' at position 1",
    },
    {
      name: 'an answer nobody can write',
      path: object,
      asked: { headers: { accept: 'image/png' } },
      want: '406 NotAcceptable: only the following media types are accepted: application/json, application/yaml',
    },
    {
      name: 'a bad limit',
      path: `${maps}?limit=x`,
      asked: {},
      want: '400 BadRequest: strconv.ParseInt: parsing "x": invalid syntax',
    },
    {
      name: 'half a dry run',
      path: `${maps}?dryRun=Some`,
      asked: { method: 'POST', headers: json, body: configMap('x') },
      want: '422 Invalid: CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: "Some": supported values: "All"',
    },
    {
      name: 'fields that come twice, when asked to be strict',
      path: `${maps}?fieldValidation=Strict`,
      asked: { method: 'POST', headers: json, body: '{"metadata":{"name":"x"},"data":{"a":"1","a":"2"}}' },
      want: `400 BadRequest: ${cannot}strict decoding error: duplicate field "data.a"`,
    },
    {
      name: 'what is wrong in a way nobody foresaw, without telling how',
      path: `${maps}/bug`,
      asked: {},
      want: '500 InternalError: Internal error occurred: the server met an unexpected condition; its log says more',
    },
    {
      name: 'nesting beyond reason',
      asked: { method: 'POST', headers: json, body: `{"x":${'['.repeat(200_000)}` },
      want: `400 BadRequest: ${unrecognized}couldn't get version/kind; json parse error: exceeded max depth of 10000 ({"x":[[[[[[[[[[[[[[[[[[[[[[[[[ ...)`,
    },
    {
      name: 'deep nesting in a field nobody knows',
      path: `${maps}?fieldValidation=Strict`,
      asked: { method: 'POST', headers: json, body: deep },
      want: `400 BadRequest: ${cannot}strict decoding error: unknown field "x"`,
    },
    {
      name: 'options that are no object',
      path: object,
      asked: { method: 'DELETE', headers: json, body: '"now"' },
      want: '400 BadRequest: json: cannot unmarshal into DeleteOptions: an object is wanted',
    },
    {
      name: 'exec without an upgrade',
      path: '/api/v1/namespaces/default/pods/web/exec',
      asked: {},
      want: '400 BadRequest: Upgrade request required',
    },
  ]
  cases(rows, async ({ path = maps, asked, want }) => {
    const { code, json: status } = await ask(server, path, asked)
    assert.equal(`${code} ${String(status.reason)}: ${String(status.message)}`, want)
    assert.deepEqual([status.kind, status.apiVersion, status.status, status.code], ['Status', 'v1', 'Failure', code])
  })

  it('more than 3 MiB, said beforehand or counted, over either HTTP, and the server goes on', async () => {
    const big = Buffer.alloc(4 * 1024 * 1024, 0x20)
    const want = [413, 'Request entity too large: limit is 3145728']
    const said = await post(big, { headers: { ...json, 'content-length': big.length } })
    const counted = await post(big, { headers: { ...json, 'transfer-encoding': 'chunked' } })
    assert.deepEqual([said.code, said.json.message, counted.code, counted.json.message], [...want, ...want])
    const session = http2.connect(server.http.url, { ca: server.certificates.ca, ...server.certificates.admin })
    const stream = session.request({ ':method': 'POST', ':path': maps, ...json })
    stream.on('error', () => undefined)
    stream.end(big)
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    stream.resume()
    await once(stream, 'close')
    session.close()
    assert.deepEqual([headers[':status'], stream.rstCode], [413, 0])
    assert.equal((await ask(server, '/healthz')).text, 'ok')
  })

  it('logs the unforeseen once, with its cause', () => {
    assert.deepEqual(server.logged.splice(0), [`GET ${maps}/bug failed: secret of the implementation`])
  })

  it('connections that talk nonsense, and the server goes on', async () => {
    for (const nonsense of [
      '\0\0\0\0',
      'GET\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxx',
    ]) {
      for (const ALPNProtocols of [['http/1.1'], ['h2']]) {
        const { ca, admin } = server.certificates
        const socket = connect({ host: '127.0.0.1', port: server.http.port, ca, ...admin, ALPNProtocols })
        socket.on('error', () => undefined)
        socket.end(nonsense)
        socket.resume()
        await once(socket, 'close')
      }
    }
    assert.equal((await ask(server, '/healthz')).text, 'ok')
  })

  it('keys that would reach into prototypes, harmlessly', async () => {
    const body =
      '{"__proto__":{"polluted":"1"},"metadata":{"name":"proto","labels":{"constructor":"x"}},"data":{"__proto__":"kept","toString":"kept"}}'
    const made = await post(body)
    assert.equal(made.code, 201)
    assert.deepEqual(Object.entries(made.json.data as object), [
      ['__proto__', 'kept'],
      ['toString', 'kept'],
    ])
    const merged = await ask(server, `${maps}/proto`, {
      ...patch,
      body: '{"data":{"__proto__":"again"},"__proto__":{"polluted":"1"}}',
    })
    assert.deepEqual([merged.code, ({} as Record<string, unknown>).polluted], [200, undefined])
  })
})

async function overHttp2(path: string, headers: http2.OutgoingHttpHeaders = {}): Promise<Buffer> {
  const session = http2.connect(server.http.url, { ca: server.certificates.ca, ...server.certificates.admin })
  const body = await buffer(session.request({ ':path': path, ...headers }))
  session.close()
  return body
}

describe('answers', () => {
  it('carry an audit id, no caching, and warnings', async () => {
    const made = await ask(server, `${maps}?fieldValidation=Warn&dryRun=All`, {
      method: 'POST',
      headers: { ...json, 'audit-id': 'mine' },
      body: '{"metadata":{"name":"w"},"dat":{},"data":{"a":"1","a":"2"}}',
    })
    assert.deepEqual(
      [made.code, made.headers['audit-id'], made.headers['cache-control'], made.headers.warning],
      [201, 'mine', 'no-cache, private', '299 - "duplicate field \\"data.a\\"", 299 - "unknown field \\"dat\\""'],
    )
    assert.equal((await ask(server, `${maps}/w`)).code, 404)
  })

  it('have no body for HEAD, and name the methods that are allowed', async () => {
    const head = await ask(server, `${maps}?limit=1`, { method: 'HEAD' })
    assert.deepEqual([head.code, head.text], [200, ''])
    const wrong = await ask(server, '/version', { method: 'POST' })
    assert.deepEqual([wrong.code, wrong.headers.allow], [405, 'GET'])
  })

  it('are YAML or lines for people who ask', async () => {
    const yaml = await ask(server, '/api/v1/namespaces/default', { headers: { accept: 'application/yaml' } })
    assert.match(yaml.text, /^kind: Namespace\napiVersion: v1\nmetadata:\n/)
    assert.match((await ask(server, '/api/v1/namespaces/default?pretty=true')).text, /^\{\n {2}"kind": "Namespace",\n/)
  })

  it('are only metadata for those who want no more', async () => {
    const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
    const { json: one } = await ask(server, '/api/v1/namespaces/default', { headers: { accept } })
    assert.deepEqual([one.kind, Object.keys(one)], ['PartialObjectMetadata', ['kind', 'apiVersion', 'metadata']])
  })

  it('are a table with as much of the object as asked for', async () => {
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
    const rowOf = async (include: string) => {
      const { json: table } = await ask(server, `/api/v1/namespaces?${include}`, { headers: { accept } })
      const [row] = table.rows as { cells: unknown[]; object?: { kind: string } }[]
      return [table.kind, row?.cells.slice(0, 2), row?.object?.kind]
    }
    assert.deepEqual(await rowOf(''), ['Table', ['default', 'Active'], 'PartialObjectMetadata'])
    assert.deepEqual(await rowOf('includeObject=None'), ['Table', ['default', 'Active'], undefined])
    assert.deepEqual(await rowOf('includeObject=Object'), ['Table', ['default', 'Active'], 'Namespace'])
  })

  it('are zipped when they are large and the client can read it', async () => {
    for (let i = 0; i < 5; i++) await post(configMap(`large-${i}`, { x: 'y'.repeat(100_000) }))
    const { ca, admin } = server.certificates
    const fetch = async (headers: Record<string, string>) => {
      const request = https.get(`${server.http.url}${maps}`, { ca, ...admin, headers, agent: false })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return { encoding: response.headers['content-encoding'], body: await buffer(response) }
    }
    const [plain, zipped, refused] = [
      await fetch({}),
      await fetch({ 'accept-encoding': 'gzip' }),
      await fetch({ 'accept-encoding': 'gzip;q=0' }),
    ]
    assert.deepEqual([plain.encoding, zipped.encoding, refused.encoding], [undefined, 'gzip', undefined])
    assert.deepEqual(gunzipSync(zipped.body), plain.body)
    assert.deepEqual(await overHttp2(maps), plain.body)
    assert.deepEqual(gunzipSync(await overHttp2(maps, { 'accept-encoding': 'gzip' })), plain.body)
    assert.ok(zipped.body.length < 10_000)
  })

  it('come in pages', async () => {
    const first = await ask(server, `${maps}?limit=2`)
    const { continue: token, remainingItemCount } = first.json.metadata as { continue: string; remainingItemCount: number }
    const rest = await ask(server, `${maps}?limit=500&continue=${encodeURIComponent(token)}`)
    const namesOf = (list: Record<string, unknown>) => (list.items as ConfigMap[]).map(({ metadata }) => metadata.name)
    assert.deepEqual([namesOf(first.json).length, namesOf(rest.json).length], [2, remainingItemCount])
    const all = namesOf((await ask(server, maps)).json)
    assert.deepEqual([...namesOf(first.json), ...namesOf(rest.json)], all)
  })
})

describe('health and documents', () => {
  it('say that the server lives', async () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/readyz/ping']) assert.equal((await ask(server, path)).text, 'ok')
    assert.match((await ask(server, '/readyz?verbose')).text, /^\[\+\]ping ok\n[^]*readyz check passed\n$/)
  })

  it('are not sent again to those who have them', async () => {
    for (const path of ['/apis', '/api/v1', '/openapi/v2', '/openapi/v3', '/openapi/v3/api/v1']) {
      const { code, headers } = await ask(server, path)
      const again = await ask(server, path, { headers: { 'if-none-match': headers.etag } })
      assert.deepEqual([code, again.code, again.text], [200, 304, ''], path)
    }
  })

  it('of OpenAPI v3 stay for ever under their hash, and move with it', async () => {
    const { paths } = (await ask(server, '/openapi/v3')).json as { paths: Record<string, { serverRelativeURL: string }> }
    assert.deepEqual(Object.keys(paths).sort(), [
      'api/v1',
      'apis/coordination.k8s.io/v1',
      'apis/metrics.k8s.io/v1beta1',
      'apis/node.k8s.io/v1',
      'apis/policy/v1',
      'apis/polypod.dev/v1alpha1',
      'apis/scheduling.k8s.io/v1',
    ])
    const url = paths['apis/node.k8s.io/v1']?.serverRelativeURL ?? ''
    const found = await ask(server, url)
    assert.deepEqual([found.code, found.headers['cache-control']], [200, 'public, immutable, max-age=31536000'])
    const old = await ask(server, url.replace(/hash=.*/, 'hash=OLD'))
    assert.deepEqual([old.code, old.headers.location], [301, url])
    assert.equal((await ask(server, '/openapi/v3/apis/x.io/v1')).code, 404)
  })
})
