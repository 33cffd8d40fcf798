// The cluster's own CA and every certificate it needs, kept in one folder, one PEM file (certificate and key) each.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../lib/atomic-file.ts'
import type { Clock } from '../lib/clock.ts'
import type { CertificateRequest } from './issue-certificate.ts'

/** PEM texts. */
export interface KeyPair {
  cert: string
  key: string
}

export interface Certificates {
  /** The CA's certificate, PEM. */
  ca: string
  /** The API server's serving certificate. */
  server: KeyPair
  /** kubernetes-admin of system:masters. */
  admin: KeyPair
  /** What the API server shows to kubelets. */
  kubeletClient: KeyPair
  /** The serving certificate of a node's kubelet. */
  nodeCertificate(name: string, ip: string): Promise<KeyPair>
}

const dayMs = 86_400_000
const authorityMs = 3650 * dayMs
const leafMs = 365 * dayMs
/** Certificates with less than this left are made anew. */
const renewBeforeMs = 30 * dayMs

const serverRequest: CertificateRequest = {
  commonName: 'kube-apiserver',
  usage: 'server',
  dnsNames: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
  ips: ['127.0.0.1', '::1', '10.96.0.1'],
}
const adminRequest: CertificateRequest = {
  commonName: 'kubernetes-admin',
  organization: 'system:masters',
  usage: 'client',
}
const kubeletClientRequest: CertificateRequest = {
  commonName: 'kube-apiserver-kubelet-client',
  organization: 'system:masters',
  usage: 'client',
}

/**
 * Loads the certificates in `dir` (made with mode 0700 when absent), and makes what is missing, near its end, or of another CA.
 * A file that cannot be read as a certificate with its key is an error that names it: it is never silently replaced.
 */
export async function openCertificates({ dir, clock }: { dir: string; clock: Clock }): Promise<Certificates> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const now = clock.now()
  const authority = (await loadPair(join(dir, 'ca.pem'), (cert) => lasts(cert, now))) ?? (await makeAuthority(dir, now))
  const folder = { dir, clock, authority }
  const [server, admin, kubeletClient] = await Promise.all([
    ensure(folder, 'apiserver', serverRequest),
    ensure(folder, 'admin', adminRequest),
    ensure(folder, 'apiserver-kubelet-client', kubeletClientRequest),
  ])
  return {
    ca: authority.cert,
    server,
    admin,
    kubeletClient,
    nodeCertificate: (name, ip) =>
      ensure(folder, `kubelet-${name}`, {
        commonName: `system:node:${name}`,
        organization: 'system:nodes',
        usage: 'server',
        dnsNames: [name],
        ips: [ip],
      }),
  }
}

interface Folder {
  dir: string
  clock: Clock
  authority: KeyPair
}

async function ensure({ dir, clock, authority }: Folder, name: string, request: CertificateRequest): Promise<KeyPair> {
  const file = join(dir, `${name}.pem`)
  const now = clock.now()
  const issuer = new X509Certificate(authority.cert)
  const usable = (cert: X509Certificate) => lasts(cert, now) && cert.verify(issuer.publicKey) && answers(cert, request)
  const present = await loadPair(file, usable)
  if (present) return present
  const { issueCertificate } = await import('./issue-certificate.ts')
  return save(file, await issueCertificate(authority, request, validFrom(now, leafMs)))
}

async function makeAuthority(dir: string, now: number): Promise<KeyPair> {
  const { issueAuthority } = await import('./issue-certificate.ts')
  return save(join(dir, 'ca.pem'), await issueAuthority('polypod-ca', validFrom(now, authorityMs)))
}

async function save(file: string, pair: KeyPair): Promise<KeyPair> {
  const tidy = { cert: `${pair.cert.trim()}\n`, key: `${pair.key.trim()}\n` }
  await writeAtomically(file, `${tidy.cert}${tidy.key}`, 0o600)
  return tidy
}

// five minutes early, for peers whose clock is a little behind
const validFrom = (now: number, ms: number) => ({ notBefore: new Date(now - 300_000), notAfter: new Date(now + ms) })

const lasts = (cert: X509Certificate, now: number): boolean =>
  Date.parse(cert.validFrom) <= now && Date.parse(cert.validTo) - renewBeforeMs > now

function answers(cert: X509Certificate, request: CertificateRequest): boolean {
  const subject = cert.subject.split('\n')
  const wanted = [`CN=${request.commonName}`, ...(request.organization === undefined ? [] : [`O=${request.organization}`])]
  return (
    wanted.every((part) => subject.includes(part)) &&
    (request.dnsNames ?? []).every((name) => cert.checkHost(name) !== undefined) &&
    (request.ips ?? []).every((ip) => cert.checkIP(ip) !== undefined)
  )
}

/** undefined when absent or not `usable`. */
async function loadPair(file: string, usable: (cert: X509Certificate) => boolean): Promise<KeyPair | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new Error(`cannot read certificate file ${file}`, { cause: error })
  }
  const [cert, key] = [block(text, 'CERTIFICATE'), block(text, 'PRIVATE KEY')]
  try {
    const parsed = new X509Certificate(cert)
    if (!parsed.checkPrivateKey(createPrivateKey(key))) throw new Error('its key belongs to another certificate')
    return usable(parsed) ? { cert, key } : undefined
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`certificate file ${file} is corrupt (${why}); remove it to have a new one made`, { cause: error })
  }
}

const block = (text: string, label: string): string => {
  const found = new RegExp(`-----BEGIN ${label}-----[^-]+-----END ${label}-----`).exec(text)?.[0]
  return found === undefined ? '' : `${found}\n`
}
