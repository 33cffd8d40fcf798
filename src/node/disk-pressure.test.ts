// A full disk: garbage goes before Pods, and Pods by what they keep on disk.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import type { Pod } from '../api/core/pod.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { Container, ContainerStatus, Image } from './cri/runtime.ts'
import { diskGarbage } from './disk-garbage.ts'
import { evictor } from './eviction.ts'
import { evictionPolicy } from './eviction-settings.ts'
import { rankVictims } from './eviction-victims.ts'
import type { PodDisk } from './pod-disk.ts'
import { samplePod } from './sample-pod.ts'

const use = (bytes: number, inodes = 1) => ({ bytes, inodes })
const diskOf = (volume: number, logs: number, written: number): PodDisk => ({
  volumes: new Map([['v', use(volume, 100)]]),
  logs: new Map([['main', use(logs)]]),
  written: new Map([['main', use(written)]]),
})

describe('a disk below its threshold', () => {
  /** `left`: what the disk has after each time garbage was collected or a Pod ended. */
  function scripted(left: number[]) {
    const clock = manualClock()
    const done: string[] = []
    const next = () => void (left.length > 1 && left.shift())
    const pods = ['a', 'b'].map((name) => {
      const each = { pod: samplePod({}, { name, uid: name }), released: false }
      return {
        pod: each.pod,
        isReleased: () => each.released,
        fail: ({ reason }: { reason: string }) => {
          done.push(`${name} ${reason}`)
          each.released = true
          next()
        },
      }
    })
    const stop = new AbortController()
    const subject = evictor({
      ...{ clock, log: () => {}, policy: evictionPolicy({ evictionHard: { 'nodefs.available': '10%' } }) },
      events: { event: () => {}, at: () => ({ event: () => {} }) },
      node: () => Node.decode({ metadata: { name: 'n' } }, { unknown: [] }),
      pods: () => pods,
      signals: async () => ({ 'nodefs.available': { available: left[0] ?? 0, capacity: 100 } }),
      rank: async (_threshold, of) => of.map((pod) => ({ pod, containers: [] })),
      overLimit: async () => [],
      collectGarbage: async () => {
        done.push('garbage')
        next()
      },
      onEvicted: () => {},
      onConditions: (conditions) => void done.push(`[${conditions.join(' ')}]`),
    })
    const running = subject.run(stop.signal)
    return {
      done,
      pass: async (ms: number) => {
        await clock.advance(ms)
        stop.abort()
        await running
      },
    }
  }

  it('ends nobody when the garbage was enough', async () => {
    const { done, pass } = scripted([5, 50])
    await pass(3000)
    assert.deepEqual(done, ['[DiskPressure]', 'garbage'])
  })

  it('collects garbage before each Pod', async () => {
    const { done, pass } = scripted([5, 6, 7, 8, 50])
    await pass(3000)
    assert.deepEqual(done, ['[DiskPressure]', 'garbage', 'a Evicted', 'garbage', 'b Evicted'])
  })
})

describe('rankVictims', () => {
  const [bytes, inodes, images] = evictionPolicy({
    evictionHard: { 'nodefs.available': '1', 'nodefs.inodesFree': '1', 'imagefs.available': '1' },
  }).thresholds
  const pods = ['volume', 'logs', 'written'].map((name) => samplePod({}, { name, uid: name }))
  const disks = new Map([
    ['volume', diskOf(50, 0, 0)],
    ['logs', diskOf(0, 60, 0)],
    ['written', diskOf(0, 0, 70)],
  ])
  const rank = async (threshold: typeof bytes, own: boolean) => {
    const stats = () => Promise.reject(new Error('memory is not asked for'))
    const measures = { stats, disks: async () => disks, hasOwnImageFs: () => own }
    return threshold ? (await rankVictims(threshold, pods, measures)).map(({ pod }) => pod.metadata.name) : []
  }
  it('counts volumes, logs and what is written over images', async () => {
    assert.deepEqual(await rank(bytes, false), ['written', 'logs', 'volume'])
  })
  it('counts only what lies on that file system', async () => {
    assert.deepEqual(await rank(bytes, true), ['logs', 'volume', 'written'])
    assert.deepEqual((await rank(images, true))[0], 'written')
  })
  it('counts inodes when those are short', async () => {
    const many = new Map(disks).set('logs', { ...diskOf(0, 1, 0), volumes: new Map([['v', use(0, 900)]]) })
    const measures = { stats: () => Promise.reject(new Error('no')), disks: async () => many, hasOwnImageFs: () => false }
    const ranked = inodes ? await rankVictims(inodes, pods, measures) : []
    assert.equal(ranked[0]?.pod.metadata.name, 'logs')
  })
  it('says what each container uses', async () => {
    const measures = { stats: () => Promise.reject(new Error('no')), disks: async () => disks, hasOwnImageFs: () => false }
    const pod = pods[2] as Pod
    assert.deepEqual(bytes && (await rankVictims(bytes, [pod], measures)), [{ pod, containers: [{ name: 'main', used: 70 }] }])
  })
})

describe('diskGarbage', () => {
  const image = (id: string, ...repoTags: string[]): Image => ({ id, repoTags, repoDigests: [], sizeBytes: 1 })
  const container = (id: string, name: string, state: Container['state']) =>
    ({ id, metadata: { name, attempt: 0 }, state }) as ContainerStatus

  it('removes old runs and unused images, but for pause and what was pulled just now', async () => {
    const clock = manualClock()
    const images = [image('used', 'app:1'), image('idle', 'old:1'), image('pause', 'polypod.dev/pause:1')]
    const removed: string[] = []
    const garbage = diskGarbage({
      ...{ clock, log: (line: string) => assert.fail(line) },
      runtime: {
        listImages: async () => [...images],
        listContainers: async () => [{ ...container('c3', 'main', 'running'), image: 'app:1', imageRef: 'used' }],
        removeImage: async (id) => void removed.push(id),
        removeContainer: async (id) => void removed.push(id),
      },
      containers: () => [
        [container('c3', 'main', 'running'), container('c2', 'main', 'exited'), container('c1', 'main', 'exited')],
        [container('d1', 'other', 'exited')],
      ],
    })
    await clock.advance(0)
    images.push(image('young', 'new:1'))
    await garbage.collect()
    assert.deepEqual(removed, ['c2', 'c1', 'idle'])
    images.splice(1, 1)
    await clock.advance(120_000)
    await garbage.collect()
    assert.deepEqual(removed, ['c2', 'c1', 'idle', 'c2', 'c1', 'young'])
  })
})
