// A stand-in for the API server: one Pod, and the streaming paths wired to a kubelet server. Only what kubectl needs.
import 'reflect-metadata'
import { execFile, spawn } from 'node:child_process'
import type { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as x509 from '@peculiar/x509'
import { startKubeletServer, type ServedPod } from '../../src/node/kubelet-server.ts'
import { commandPath, logPath, portForwardPath, proxyText, proxyUpgrade } from '../../src/server/stream-proxy.ts'

interface KeyPair {
  cert: string
  key: string
}

export interface Certificates {
  ca: string
  server: KeyPair
  apiServer: KeyPair
  stranger: KeyPair
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const pemOf = async (key: webcrypto.CryptoKey) =>
  x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

export async function makeCertificates(): Promise<Certificates> {
  x509.cryptoProvider.set(crypto)
  const caKeys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-ca',
    keys: caKeys,
    signingAlgorithm: algorithm,
    extensions: [new x509.BasicConstraintsExtension(true)],
  })
  const issue = async (subject: string): Promise<KeyPair> => {
    const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    const cert = await x509.X509CertificateGenerator.create({
      subject,
      issuer: ca.subject,
      publicKey: keys.publicKey,
      signingKey: caKeys.privateKey,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])],
    })
    return { cert: cert.toString('pem'), key: await pemOf(keys.privateKey) }
  }
  const [server, apiServer, stranger] = [
    await issue('CN=server'),
    await issue('CN=kube-apiserver-kubelet-client,O=system:masters'),
    await issue('CN=jane'),
  ]
  return { ca: ca.toString('pem'), server, apiServer, stranger }
}

export interface Stub extends AsyncDisposable {
  certificates: Certificates
  kubeletPort: number
  kubeconfig: string
  /** What clients asked to upgrade to, and their subprotocols. */
  upgrades: string[]
  /** Arguments that every kubectl call starts with. */
  flags: string[]
}

/** `web` in namespace `default`, with one container `main`. */
export async function startStub(pod: ServedPod, container: { tty?: boolean; stdin?: boolean } = {}): Promise<Stub> {
  const certificates = await makeCertificates()
  const kubelet = await startKubeletServer({
    tls: { ...certificates.server, ca: certificates.ca },
    find: async (namespace, name) => (namespace === 'default' && name === 'web' ? pod : undefined),
    mayCall: ({ groups }) => groups.includes('system:masters'),
  })
  const target = (path: string) => ({
    host: '127.0.0.1',
    port: kubelet.port,
    path,
    ca: certificates.ca,
    ...certificates.apiServer,
  })
  const server = createSecureServer({ ...certificates.server, allowHTTP1: true })
  const sockets = new Set<Duplex>()
  server.on('secureConnection', (socket: Duplex) => sockets.add(socket))
  const podObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: '1' },
    spec: { containers: [{ name: 'main', image: 'x', ...container }] },
    status: { phase: 'Running', containerStatuses: [{ name: 'main', ready: true, state: { running: {} } }] },
  }
  server.on('request', (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const url = new URL(request.url, 'https://stub')
    const json = (code: number, value: object) =>
      void response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    const ref = { namespace: 'default', pod: 'web', container: url.searchParams.get('container') ?? 'main' }
    if (url.pathname === '/api') return json(200, { kind: 'APIVersions', versions: ['v1'] })
    if (url.pathname === '/apis') return json(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: [] })
    if (url.pathname === '/api/v1') return json(200, resources)
    if (url.pathname === '/api/v1/namespaces/default/pods/web') return json(200, podObject)
    if (url.pathname === '/api/v1/namespaces/default/pods/web/log')
      return void proxyText(target(logPath(ref, url.searchParams)), response as never).then((refusal) => {
        if (refusal) json(refusal.code, { ...failure, code: refusal.code, message: refusal.text })
      })
    return json(404, { ...failure, code: 404, reason: 'NotFound', message: `no ${url.pathname}` })
  })
  const upgrades: string[] = []
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    upgrades.push(`${request.headers.upgrade} ${request.headers['sec-websocket-protocol'] ?? ''}`.trim().toLowerCase())
    const url = new URL(request.url ?? '/', 'https://stub')
    const verb = url.pathname.split('/').at(-1)
    const ref = { namespace: 'default', pod: 'web', container: url.searchParams.get('container') ?? 'main' }
    const path =
      verb === 'portforward'
        ? portForwardPath('default', 'web', url.searchParams)
        : commandPath(verb === 'attach' ? 'attach' : 'exec', ref, url.searchParams)
    void proxyUpgrade({ request, socket, head }, target(path))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const folder = await mkdtemp(join(tmpdir(), 'stream-stub-'))
  const kubeconfig = join(folder, 'config')
  await writeFile(kubeconfig, kubeconfigOf((server.address() as AddressInfo).port, certificates.ca))
  return {
    certificates,
    kubeletPort: kubelet.port,
    kubeconfig,
    upgrades,
    flags: [`--kubeconfig=${kubeconfig}`, `--cache-dir=${join(folder, 'cache')}`],
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await kubelet.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const failure = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'BadRequest' }
const resources = {
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: 'v1',
  resources: [{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: ['get', 'list'], shortNames: ['po'] }],
}

const kubeconfigOf = (port: number, ca: string) =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'stub',
    preferences: {},
    clusters: [
      {
        name: 'stub',
        cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority-data': Buffer.from(ca).toString('base64') },
      },
    ],
    users: [{ name: 'stub', user: { token: 'unread' } }],
    contexts: [{ name: 'stub', context: { cluster: 'stub', user: 'stub' } }],
  })

export interface Finished {
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Runs kubectl to its end; `input` goes to its stdin, which is closed after it. */
export async function kubectl(
  binary: string,
  args: string[],
  input?: Buffer,
  environment: Record<string, string> = {},
): Promise<Finished> {
  const child = spawn(binary, args, { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] })
  const stdout: Buffer[] = []
  let stderr = ''
  child.stdout.on('data', (part: Buffer) => stdout.push(part))
  child.stderr.on('data', (part: Buffer) => (stderr += String(part)))
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(stdout), stderr }
}

export const run = promisify(execFile)
