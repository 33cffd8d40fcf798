import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { manualClock } from '../testing/manual-clock.ts'
import { cases } from '../testing/cases.ts'
import { type Certificates, openCertificates } from './certs.ts'

const start = Date.parse('2030-01-01T00:00:00Z')
const dayMs = 86_400_000
let dir: string
let first: Certificates

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'certs-'))
  first = await openCertificates({ dir, clock: manualClock(start) })
})
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('certificates that are made', () => {
  it('name whom kubectl and kubelets look for', () => {
    const names = (pem: string) => new X509Certificate(pem).subjectAltName?.split(', ').sort()
    assert.deepEqual(names(first.server.cert), [
      'DNS:kubernetes',
      'DNS:kubernetes.default',
      'DNS:kubernetes.default.svc',
      'DNS:kubernetes.default.svc.cluster.local',
      'DNS:localhost',
      'IP Address:0:0:0:0:0:0:0:1',
      'IP Address:10.96.0.1',
      'IP Address:127.0.0.1',
    ])
    assert.equal(new X509Certificate(first.admin.cert).subject, 'O=system:masters\nCN=kubernetes-admin')
    assert.equal(new X509Certificate(first.kubeletClient.cert).subject, 'O=system:masters\nCN=kube-apiserver-kubelet-client')
  })

  it('are signed by the CA, which alone may sign', () => {
    const ca = new X509Certificate(first.ca)
    const leaves = [first.server, first.admin, first.kubeletClient].map(({ cert }) => new X509Certificate(cert))
    assert.deepEqual(
      leaves.map((leaf) => [leaf.checkIssued(ca), leaf.verify(ca.publicKey), leaf.ca]),
      leaves.map(() => [true, true, false]),
    )
    assert.equal(ca.ca, true)
  })

  it('give a node its name and address', async () => {
    const { cert } = await first.nodeCertificate('n1', '127.0.0.7')
    const parsed = new X509Certificate(cert)
    assert.deepEqual(
      [parsed.subject, parsed.subjectAltName],
      ['O=system:nodes\nCN=system:node:n1', 'DNS:n1, IP Address:127.0.0.7'],
    )
    const moved = await first.nodeCertificate('n1', '127.0.0.8')
    assert.equal(new X509Certificate(moved.cert).checkIP('127.0.0.8'), '127.0.0.8')
  })

  it('are readable by their owner only', async () => {
    const modes = await Promise.all(
      (await readdir(dir)).map(async (f) => [f, ((await stat(join(dir, f))).mode & 0o777).toString(8)]),
    )
    assert.deepEqual(
      modes.filter(([, mode]) => mode !== '600'),
      [],
    )
  })

  it('open a TLS connection with both sides verified', async () => {
    const today = await mkdtemp(join(tmpdir(), 'certs-'))
    try {
      const now = await openCertificates({ dir: today, clock: { ...manualClock(), now: () => Date.now() } })
      const server = createServer({ ...now.server, ca: now.ca, requestCert: true, rejectUnauthorized: true })
      server.on('secureConnection', (socket) => socket.end(JSON.stringify(socket.getPeerCertificate().subject)))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      const socket = connect({ host: '127.0.0.1', port, ca: now.ca, ...now.admin })
      const [said] = (await once(socket, 'data')) as [Buffer]
      assert.deepEqual(JSON.parse(said.toString()), { O: 'system:masters', CN: 'kubernetes-admin' })
      socket.destroy()
      server.close()
    } finally {
      await rm(today, { recursive: true, force: true })
    }
  })
})

describe('certificates that exist', () => {
  const opened = async (days: number) => {
    const again = await openCertificates({ dir, clock: manualClock(start + days * dayMs) })
    const { ca, server, admin, kubeletClient } = again
    return { ca, server, admin, kubeletClient }
  }
  const asFirst = () => ({ ca: first.ca, server: first.server, admin: first.admin, kubeletClient: first.kubeletClient })

  it('are loaded as they are', async () => assert.deepEqual(await opened(300), asFirst()))

  it('are renewed near their end, by the same CA', async () => {
    const later = await opened(336)
    assert.equal(later.ca, first.ca)
    assert.notEqual(later.admin.cert, first.admin.cert)
    assert.equal(Date.parse(new X509Certificate(later.admin.cert).validTo), start + (336 + 365) * dayMs)
  })

  it('are all made anew when the CA nears its end', async () => {
    const last = await opened(3630)
    assert.notEqual(last.ca, first.ca)
    assert.ok(new X509Certificate(last.server.cert).verify(new X509Certificate(last.ca).publicKey))
  })
})

describe('a certificate file that is corrupt', () => {
  cases(
    [
      { name: 'half a certificate', change: (text: string) => text.slice(0, 200) },
      { name: 'no key', change: (text: string) => text.slice(0, text.indexOf('-----BEGIN PRIVATE')) },
      { name: 'an empty file', change: () => '' },
      { name: 'bytes that mean nothing', change: (text: string) => text.replace(/M[A-Za-z0-9]{20}/, 'x'.repeat(21)) },
    ],
    async ({ change }) => {
      const folder = await mkdtemp(join(tmpdir(), 'certs-'))
      try {
        const file = join(folder, 'ca.pem')
        await writeFile(file, change(`${first.ca}${first.admin.key}`))
        const kept = await readFile(file, 'utf8')
        await assert.rejects(openCertificates({ dir: folder, clock: manualClock(start) }), {
          message: new RegExp(`^certificate file ${file} is corrupt \\(.+\\); remove it to have a new one made$`),
        })
        assert.equal(await readFile(file, 'utf8'), kept)
      } finally {
        await rm(folder, { recursive: true, force: true })
      }
    },
  )
})
