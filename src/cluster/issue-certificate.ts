// Makes certificates. Imported only when one has to be made: its libraries take longer to load than a cluster to start.
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { KeyPair } from './certs.ts'

export interface CertificateRequest {
  commonName: string
  /** Becomes the user's groups. */
  organization?: string | undefined
  usage: 'server' | 'client'
  dnsNames?: readonly string[] | undefined
  ips?: readonly string[] | undefined
}

export interface Validity {
  notBefore: Date
  notAfter: Date
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const keyUsages: webcrypto.KeyUsage[] = ['sign', 'verify']

x509.cryptoProvider.set(crypto)

/** A self-signed CA that may sign certificates and nothing else. */
export async function issueAuthority(commonName: string, validity: Validity): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, keyUsages)
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { cert: cert.toString('pem'), key: await pemOf(keys.privateKey) }
}

/** A new key and its certificate, signed by `authority`. */
export async function issueCertificate(authority: KeyPair, request: CertificateRequest, validity: Validity): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, keyUsages)
  const issuer = new x509.X509Certificate(authority.cert)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', x509.PemConverter.decodeFirst(authority.key), algorithm, false, [
    'sign',
  ])
  const cert = await x509.X509CertificateGenerator.create({
    subject: subjectOf(request),
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: algorithm,
    ...validity,
    extensions: await extensionsOf(request, issuer),
  })
  return { cert: cert.toString('pem'), key: await pemOf(keys.privateKey) }
}

// each part its own RDN, as Go's TLS reads them
const subjectOf = ({ organization, commonName }: CertificateRequest): Record<string, string[]>[] => [
  ...(organization === undefined ? [] : [{ O: [organization] }]),
  { CN: [commonName] },
]

async function extensionsOf(request: CertificateRequest, issuer: x509.X509Certificate): Promise<x509.Extension[]> {
  const purpose = request.usage === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ips ?? []).map((value) => ({ type: 'ip' as const, value })),
  ]
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([purpose]),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
  ]
}

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
