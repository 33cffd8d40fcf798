// Pod cgroups in the real files of this machine, whichever cgroup version it has.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, constants, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, it } from 'vitest'
import type { QosClass } from '../../src/api/core/qos.ts'
import { podCgroup } from '../../src/ledger/cgroup.ts'
import { type PodCgroups, podCgroups } from '../../src/node/cgroup-fs.ts'
import { findHierarchies } from '../../src/node/cgroup-tree.ts'
import { samplePod } from '../../src/node/sample-pod.ts'
import { eventually } from '../../src/testing/eventually.ts'

const mount = '/sys/fs/cgroup'
const tree = await findHierarchies(mount)
const folderOf = (controller: string) => tree.unified ?? tree.byController.get(controller) ?? ''
const writable = async (folder: string) =>
  access(folder || '/none', constants.W_OK).then(
    () => true,
    () => false,
  )
const usable = process.getuid?.() === 0 && (await writable(folderOf('cpu'))) && (await writable(folderOf('memory')))
const why = usable ? undefined : 'needs root and writable cpu and memory controllers'

describe.skipIf(why !== undefined)(`Pod cgroups${why ? ` (skipped: ${why})` : ''}`, () => {
  const root = `polypod-test-${process.pid}`
  const told: string[] = []
  let cgroups: PodCgroups | undefined
  const open = async () => (cgroups = await podCgroups({ root, driver: 'cgroupfs', log: (line) => void told.push(line) }))
  const remains = async () => {
    const all = await Promise.all(tree.roots.map((folder) => readdir(folder)))
    return all.flat().filter((name) => name === root)
  }
  afterEach(async () => {
    await cgroups?.removeAll()
    assert.deepEqual(await remains(), [])
    told.length = 0
  })

  const podOf = (resources: object, overhead?: object) =>
    samplePod({ containers: [{ name: 'main', image: 'i', resources }], overhead }, { uid: 'a1-b2' })
  const valuesOf = (pod: ReturnType<typeof podOf>) => {
    const { cpuShares, cpuQuota, cpuPeriod, memoryLimitBytes } = podCgroup(pod)
    return {
      cpuShares,
      cpuPeriod,
      ...(cpuQuota ? { cpuQuota } : {}),
      ...(memoryLimitBytes ? { memoryLimitInBytes: memoryLimitBytes } : {}),
    }
  }
  const fileOf = (controller: string, ...path: string[]) => readFile(join(folderOf(controller), root, ...path), 'utf8')

  it('gives a Guaranteed Pod its limits with the overhead on top', async () => {
    const pods = await open()
    const pod = podOf({ limits: { cpu: '100m', memory: '100Mi' } }, { cpu: '200m', memory: '140Mi' })
    const key = { uid: 'a1-b2', qos: 'Guaranteed' as QosClass }
    assert.equal(pods.parentFor(key), `/${root}/kubepods/poda1-b2`)
    await pods.ensure(key, valuesOf(pod))
    const at = ['kubepods', 'poda1-b2']
    if (tree.unified) {
      assert.equal((await fileOf('cpu', ...at, 'cpu.max')).trim(), '30000 100000')
      assert.equal((await fileOf('memory', ...at, 'memory.max')).trim(), '251658240')
    } else {
      assert.equal((await fileOf('cpu', ...at, 'cpu.cfs_quota_us')).trim(), '30000')
      assert.equal((await fileOf('cpu', ...at, 'cpu.shares')).trim(), '307')
      assert.equal((await fileOf('memory', ...at, 'memory.limit_in_bytes')).trim(), '251658240')
    }
    const { cpuQuota, memoryLimitInBytes } = (await pods.read(key)) ?? {}
    assert.deepEqual({ cpuQuota, memoryLimitInBytes }, { cpuQuota: 30_000, memoryLimitInBytes: 251_658_240 })
    // again, with other values: a resize; and without: unlimited
    await pods.ensure(key, { cpuShares: 512, cpuPeriod: 100_000, cpuQuota: 50_000 })
    assert.deepEqual((await pods.read(key))?.cpuQuota, 50_000)
    assert.equal((await pods.read(key))?.memoryLimitInBytes, undefined)
    assert.deepEqual(told, [])
  })

  it('sorts Pods by class, lists them, and sets the shares of the classes', async () => {
    const pods = await open()
    const keys = [
      { uid: 'g', qos: 'Guaranteed' },
      { uid: 'b', qos: 'Burstable' },
      { uid: 'e', qos: 'BestEffort' },
    ] as const
    for (const key of keys) await pods.ensure(key, { cpuShares: 2, cpuPeriod: 100_000 })
    const byUid = (list: readonly { uid: string }[]) => list.toSorted((a, b) => a.uid.localeCompare(b.uid))
    assert.deepEqual(byUid(await pods.list()), byUid(keys))
    await pods.setBurstable(1500)
    const file = tree.unified ? 'cpu.weight' : 'cpu.shares'
    assert.equal((await fileOf('cpu', 'kubepods', 'burstable', file)).trim(), tree.unified ? '59' : '1536')
    assert.equal((await fileOf('cpu', 'kubepods', 'besteffort', file)).trim(), tree.unified ? '1' : '2')
    await pods.remove({ uid: 'b', qos: 'Burstable' })
    assert.deepEqual(byUid(await pods.list()), byUid(keys.filter(({ uid }) => uid !== 'b')))
    assert.equal(await pods.read({ uid: 'b', qos: 'Burstable' }), undefined)
  })

  it('removes a Pod that still has processes and cgroups of containers', async () => {
    const pods = await open()
    const key = { uid: 'busy', qos: 'Burstable' } as const
    await pods.ensure(key, { cpuShares: 2, cpuPeriod: 100_000 })
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    const ended = once(child, 'exit')
    await writeFile(join(folderOf('memory'), pods.parentFor(key), 'cgroup.procs'), String(child.pid))
    await pods.remove(key)
    assert.deepEqual(await ended, [null, 'SIGKILL'])
    assert.deepEqual(await pods.list(), [])
  })

  it('really holds a Pod to its memory', async (context) => {
    const swaps = (await readFile('/proc/swaps', 'utf8')).trim().split('\n').length - 1
    if (swaps > 0) context.skip('this machine swaps, and a swapped process is not killed')
    const pods = await open()
    const key = { uid: 'small', qos: 'Guaranteed' } as const
    await pods.ensure(key, { cpuShares: 2, cpuPeriod: 100_000, memoryLimitInBytes: 64 * 1024 * 1024 })
    // waits for a line, so that it can be moved before it takes memory
    const script =
      "process.stdin.once('data', () => { const a = []; for (let i = 0; i < 64; i++) a.push(Buffer.alloc(8 << 20, 1)); process.exit(0) })"
    const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'ignore', 'ignore'] })
    const ended = once(child, 'exit')
    await writeFile(join(folderOf('memory'), pods.parentFor(key), 'cgroup.procs'), String(child.pid))
    child.stdin?.write('go\n')
    assert.deepEqual(await ended, [null, 'SIGKILL'])
    await eventually(async () => (await pods.remove(key), (await pods.read(key)) === undefined))
  })

  it('spells slices where the runtime wants them, and does without systemd', async (context) => {
    if ((await readFile('/proc/1/comm', 'utf8')).trim() === 'systemd') context.skip('systemd runs here, and would own the slices')
    const lines: string[] = []
    const pods = await podCgroups({ root, driver: 'systemd', log: (line) => void lines.push(line) })
    const key = { uid: 'a1-b2', qos: 'Burstable' } as const
    assert.equal(pods.parentFor(key), `polypod_test_${process.pid}-kubepods-burstable-poda1_b2.slice`)
    for (let i = 0; i < 2; i++) await pods.ensure(key, { cpuShares: 2, cpuPeriod: 100_000, cpuQuota: 30_000 })
    assert.equal((await pods.read(key))?.cpuQuota, 30_000)
    assert.deepEqual(await pods.list(), [key])
    assert.equal(lines.length, 1)
    await pods.removeAll()
    assert.deepEqual(await pods.list(), [])
    assert.equal(
      (await Promise.all(tree.roots.map((folder) => readdir(folder)))).flat().some((n) => n.startsWith('polypod_test_')),
      false,
    )
  })

  it('says once what cannot be used, and goes on', async () => {
    const unified = tree.version === 'hybrid' ? join(mount, 'unified') : '/none'
    const lines: string[] = []
    const pods = await podCgroups({ mount: unified, root, driver: 'cgroupfs', log: (line) => void lines.push(line) })
    const key = { uid: 'x', qos: 'Burstable' } as const
    for (let i = 0; i < 2; i++) await pods.ensure(key, { cpuShares: 2, cpuPeriod: 100_000, memoryLimitInBytes: 1 << 26 })
    assert.deepEqual(
      lines.map((line) => line.replace(/:.*/, '')),
      [
        'cgroup controller cpu cannot be used, Pods run without its limits',
        'cgroup controller memory cannot be used, Pods run without its limits',
      ],
    )
    if (tree.version === 'hybrid') {
      assert.equal(pods.version, 'v2')
      assert.deepEqual(await pods.list(), [key])
    }
    await pods.removeAll()
    assert.deepEqual(await pods.list(), [])
  })
})
