import assert from 'node:assert/strict'
import { link, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { type DiskUse, diskUse, type PodDisk } from './pod-disk.ts'
import { samplePod } from './sample-pod.ts'
import { type Excess, hasStorageLimits, storageExcess } from './storage-limits.ts'

const mi = 1024 * 1024
const use = (count: number): DiskUse => ({ bytes: count * mi, inodes: 1 })
const disk = (volume: number, logs: number, written: number): PodDisk => ({
  volumes: new Map([['data', use(volume)]]),
  logs: new Map([['main', use(logs)]]),
  written: new Map([['main', use(written)]]),
})
const pod = (limit: string | undefined, sizeLimit: string | undefined) =>
  samplePod({
    containers: [
      { name: 'main', image: 'i', ...(limit === undefined ? {} : { resources: { limits: { 'ephemeral-storage': limit } } }) },
    ],
    volumes: [{ name: 'data', emptyDir: sizeLimit === undefined ? {} : { sizeLimit } }],
  })

const text = (excess: Excess | undefined) => excess && `${excess.signal}: ${excess.message}`

describe('storageExcess', () => {
  cases<{ name: string; limit?: string; sizeLimit?: string; disk: PodDisk; want: string | undefined }>(
    [
      { name: 'no limits', disk: disk(900, 900, 900), want: undefined },
      { name: 'exactly the limit', sizeLimit: '10Mi', disk: disk(10, 0, 0), want: undefined },
      {
        name: 'an emptyDir over its sizeLimit',
        sizeLimit: '10Mi',
        disk: disk(11, 0, 0),
        want: 'emptydirfs.limit: Usage of EmptyDir volume "data" exceeds the limit "10Mi". ',
      },
      { name: 'a sizeLimit of zero is none', sizeLimit: '0', disk: disk(11, 0, 0), want: undefined },
      { name: 'logs and what is written count for the Pod', limit: '30Mi', disk: disk(10, 10, 10), want: undefined },
      {
        name: 'a limit in the suffixes it was written in',
        limit: '2G',
        disk: disk(1900, 100, 100),
        want: 'ephemeralpodfs.limit: Pod ephemeral local storage usage exceeds the total limit of containers 2G. ',
      },
      {
        name: 'together over the limits of all containers',
        limit: '30Mi',
        disk: disk(10, 11, 10),
        want: 'ephemeralpodfs.limit: Pod ephemeral local storage usage exceeds the total limit of containers 30Mi. ',
      },
    ],
    ({ limit, sizeLimit, disk: found, want }) => assert.equal(text(storageExcess(pod(limit, sizeLimit), found)), want),
  )

  it('names a container over its own limit in a Pod that is not', () => {
    const limits = (text: string) => ({ resources: { limits: { 'ephemeral-storage': text } } })
    const containers = [
      { name: 'main', image: 'i', ...limits('5Mi') },
      { name: 'other', image: 'i', ...limits('100Mi') },
    ]
    const excess = storageExcess(samplePod({ containers }), disk(0, 3, 3))
    assert.equal(text(excess), 'ephemeralcontainerfs.limit: Container main exceeded its local ephemeral storage limit "5Mi". ')
  })

  it('is measured only where there is a limit', () => {
    const found = [pod(undefined, undefined), pod('1Mi', undefined), pod(undefined, '1Mi')].map(hasStorageLimits)
    assert.deepEqual(found, [false, true, true])
  })
})

describe('diskUse', () => {
  it('counts a file of two names once, and what is missing as nothing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'polypod-disk-'))
    try {
      await mkdir(join(dir, 'a'))
      await writeFile(join(dir, 'a/one'), Buffer.alloc(mi, 1))
      const before = await diskUse(dir)
      await link(join(dir, 'a/one'), join(dir, 'two'))
      const after = await diskUse(dir)
      assert.deepEqual(after, before)
      assert.equal(before.inodes, 3)
      assert.ok(before.bytes >= mi && before.bytes < 1.1 * mi, String(before.bytes))
      assert.deepEqual(await diskUse(join(dir, 'nothing')), { bytes: 0, inodes: 0 })
    } finally {
      await rm(dir, { recursive: true, force: true })
    }
  })
})
