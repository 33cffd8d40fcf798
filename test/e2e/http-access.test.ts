// Who is let in to the API server, and who is not.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { buffer } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { issueAuthority, issueCertificate } from '../../src/cluster/issue-certificate.ts'
import { ask, startTestServer, type TestServer } from './http-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => {
  await server.close()
  assert.deepEqual(server.logged, [])
})

const maps = '/api/v1/namespaces/default/configmaps'

describe('who gets in', () => {
  const dates = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) }
  const request = { commonName: 'kubernetes-admin', organization: 'system:masters', usage: 'client' } as const

  it('nobody without a certificate, on any path', async () => {
    for (const path of ['/healthz', '/version', '/api', maps, '/nowhere', '/']) {
      const { code, json: status } = await ask(server, path, { tls: { cert: undefined, key: undefined } })
      assert.deepEqual([code, status.reason, status.message], [401, 'Unauthorized', 'Unauthorized'], path)
    }
  })

  it('nobody with a certificate of another CA, of the same names', async () => {
    const strangers = await issueAuthority('polypod-ca', dates)
    const { code } = await ask(server, '/version', { tls: await issueCertificate(strangers, request, dates) })
    assert.equal(code, 401)
  })

  it('nobody with the serving certificate of a node', async () => {
    const { code } = await ask(server, '/version', { tls: await server.certificates.nodeCertificate('n', '127.0.0.1') })
    assert.equal(code, 401)
  })

  it('nobody who resumes the session of a stranger', async () => {
    const tls = await issueCertificate(await issueAuthority('polypod-ca', dates), request, dates)
    const refused = async (session?: Buffer) => {
      const { port } = server.http
      const socket = connect({ host: '127.0.0.1', port, ca: server.certificates.ca, ...tls, ...(session ? { session } : {}) })
      let ticket: Buffer | undefined
      let reused = false
      socket.on('secureConnect', () => (reused = socket.isSessionReused()))
      socket.on('session', (given: Buffer) => (ticket = given))
      socket.write('GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
      const body = await buffer(socket)
      return { ticket, head: body.toString().split('\r\n')[0], reused }
    }
    const first = await refused()
    const again = await refused(first.ticket)
    assert.deepEqual([first.head, again.head, again.reused], ['HTTP/1.1 401 Unauthorized', 'HTTP/1.1 401 Unauthorized', true])
  })

  it('whoever our CA signed for, also when resuming, over HTTP/1.1 and HTTP/2', async () => {
    assert.equal((await ask(server, '/version')).json.major, '1')
    const session = http2.connect(server.http.url, { ca: server.certificates.ca, ...server.certificates.admin })
    const stream = session.request({ ':path': '/version' })
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders]
    stream.resume()
    session.close()
    assert.equal(headers[':status'], 200)
  })

  it('an upgrade needs a certificate too', async () => {
    const socket = connect({ host: '127.0.0.1', port: server.http.port, ca: server.certificates.ca })
    socket.write(
      `GET ${maps.replace('configmaps', 'pods')}/web/exec HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n`,
    )
    assert.match((await buffer(socket)).toString(), /^HTTP\/1.1 401 Unauthorized\r\n[^]*"reason":"Unauthorized"/)
  })
})
