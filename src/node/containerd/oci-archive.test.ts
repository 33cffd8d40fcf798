import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, it } from 'vitest'
import { ociArchive } from './oci-archive.ts'
import { tarOf } from './tar.ts'

const list = (tar: Buffer) => execFileSync('tar', ['-tvf', '-'], { input: tar, encoding: 'utf8' }).trim().split('\n')

describe('archives', () => {
  it('are read by tar, with modes, links and folders', () => {
    const tar = tarOf([
      { path: 'bin/', directory: true },
      { path: 'bin/busybox', content: Buffer.alloc(1000, 1), mode: 0o755 },
      { path: 'bin/sh', link: 'busybox' },
    ])
    assert.deepEqual(
      list(tar).map((line) => line.replaceAll(/\s+/g, ' ').replace(/ 1970-01-01 \d\d:\d\d/, '')),
      ['drwxr-xr-x 0/0 0 bin/', '-rwxr-xr-x 0/0 1000 bin/busybox', 'lrw-r--r-- 0/0 0 bin/sh -> busybox'],
    )
  })

  it('hold an image by its digests', () => {
    const layer = [{ path: 'pause', content: Buffer.from('x'), mode: 0o755 }]
    const tar = ociArchive([{ name: 'polypod.dev/pause:1', layer, entrypoint: ['/pause'] }], 'x64')
    const read = (path: string) => execFileSync('tar', ['-xOf', '-', path], { input: tar })
    const blob = (digest: string) => JSON.parse(read(`blobs/${digest.replace(':', '/')}`).toString())
    const index = JSON.parse(read('index.json').toString())
    const manifest = blob(index.manifests[0].digest)
    const config = blob(manifest.config.digest)
    assert.equal(index.manifests[0].annotations['io.containerd.image.name'], 'polypod.dev/pause:1')
    assert.deepEqual([config.architecture, config.config.Entrypoint], ['amd64', ['/pause']])
    assert.deepEqual(config.rootfs.diff_ids, [manifest.layers[0].digest])
    assert.deepEqual(list(tar).length, 5)
  })
})
