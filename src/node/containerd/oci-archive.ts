// Makes an OCI image layout as one tar: what `ctr images import` reads.
import { createHash } from 'node:crypto'
import { type TarEntry, tarOf } from './tar.ts'

export interface LocalImage {
  /** In full: host, path and tag. */
  name: string
  layer: TarEntry[]
  entrypoint?: string[] | undefined
  cmd?: string[] | undefined
  env?: string[] | undefined
}

interface Blob {
  digest: string
  bytes: Buffer
}

const blobOf = (bytes: Buffer): Blob => ({ digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes })
const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))
const descriptor = (mediaType: string, { digest, bytes }: Blob) => ({ mediaType, digest, size: bytes.length })

/** `arch` is Node's name. The same images always give the same bytes. */
export function ociArchive(images: readonly LocalImage[], arch: string): Buffer {
  const architecture = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ppc64: 'ppc64le', s390x: 's390x' }[arch] ?? arch
  const blobs: Blob[] = []
  const add = (bytes: Buffer): Blob => {
    const blob = blobOf(bytes)
    blobs.push(blob)
    return blob
  }
  const manifests = images.map((image) => {
    const layer = add(tarOf(image.layer))
    const {
      entrypoint: Entrypoint,
      cmd: Cmd,
      env: Env = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    } = image
    const config = add(
      json({
        architecture,
        os: 'linux',
        created: '1970-01-01T00:00:00Z',
        config: { ...(Entrypoint ? { Entrypoint } : {}), ...(Cmd ? { Cmd } : {}), Env },
        rootfs: { type: 'layers', diff_ids: [layer.digest] },
      }),
    )
    const manifest = add(
      json({
        schemaVersion: 2,
        mediaType: 'application/vnd.oci.image.manifest.v1+json',
        config: descriptor('application/vnd.oci.image.config.v1+json', config),
        layers: [descriptor('application/vnd.oci.image.layer.v1.tar', layer)],
      }),
    )
    const annotations = { 'io.containerd.image.name': image.name, 'org.opencontainers.image.ref.name': image.name }
    return {
      ...descriptor('application/vnd.oci.image.manifest.v1+json', manifest),
      platform: { os: 'linux', architecture },
      annotations,
    }
  })
  const unique = new Map(blobs.map(({ digest, bytes }) => [digest, bytes]))
  return tarOf([
    { path: 'oci-layout', content: json({ imageLayoutVersion: '1.0.0' }) },
    { path: 'index.json', content: json({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests }) },
    ...[...unique].map(([digest, content]) => ({ path: `blobs/${digest.replace(':', '/')}`, content })),
  ])
}
