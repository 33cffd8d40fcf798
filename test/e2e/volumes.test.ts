// Volumes as root: real tmpfs and bind mounts, ownership, symlinks that try to lead out, and nothing left behind.
import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, statfs, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import type { Pod } from '../../src/api/core/pod.ts'
import { samplePod } from '../../src/node/sample-pod.ts'
import { podPaths } from '../../src/node/pod-paths.ts'
import {
  containerMounts,
  mountVolumes,
  podsOnDisk,
  showsChange,
  unmountVolumes,
  type VolumeWorld,
} from '../../src/node/volumes.ts'
import { mayMount, mountsUnder } from '../../src/node/volume/mount-table.ts'

const why = process.getuid?.() === 0 && (await mayMount()) ? undefined : 'needs root with CAP_SYS_ADMIN'

describe.skipIf(why !== undefined)(`volumes${why ? ` (skipped: ${why})` : ''}`, () => {
  let dataDir = ''
  let data: Record<string, string> = {}
  let world: VolumeWorld
  const configMap = async () => ConfigMap.decode({ metadata: { name: 'settings' }, data }, { unknown: [] })

  beforeEach(async () => {
    dataDir = await realpath(await mkdtemp(join(tmpdir(), 'volumes-')))
    data = { color: 'red' }
    const facts = { nodeAllocatable: { memory: '1Gi' }, hostIPs: [], podIPs: [] }
    world = { dataDir, configs: { configMap, secret: async () => undefined }, facts, log: (line) => assert.fail(line) }
  })
  afterEach(async () => {
    for (const uid of await podsOnDisk(dataDir)) await unmountVolumes(uid, dataDir)
    assert.deepEqual(await mountsUnder(dataDir), [])
    await rm(dataDir, { recursive: true })
  })

  const podOf = (volumes: object[], spec: object = {}): Pod => samplePod({ volumes, ...spec })
  const pathsOf = () => podPaths(dataDir, 'uid-1')
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o7777).toString(8)

  it('makes an emptyDir of medium Memory a tmpfs of its size, once', async () => {
    const pod = podOf([{ name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } }])
    const path = (await mountVolumes(pod, world)).get('ram') ?? ''
    assert.equal(path, join(dataDir, 'pods/uid-1/volumes/kubernetes.io~empty-dir/ram'))
    await writeFile(join(path, 'x'), 'kept')
    await mountVolumes(pod, world)
    assert.deepEqual(await mountsUnder(dataDir), [{ path, type: 'tmpfs' }])
    const { blocks, bsize } = await statfs(path)
    assert.equal(blocks * bsize, 4 * 1024 * 1024)
    assert.equal(await modeOf(path), '777')
    assert.equal(await readFile(join(path, 'x'), 'utf8'), 'kept')
    await assert.rejects(writeFile(join(path, 'big'), Buffer.alloc(5 * 1024 * 1024)), { code: 'ENOSPC' })
    await unmountVolumes('uid-1', dataDir)
    assert.deepEqual(await podsOnDisk(dataDir), [])
  })

  it('bounds memory by the memory limit of the Pod', async () => {
    const containers = [{ name: 'main', image: 'i', resources: { limits: { memory: '8Mi' } } }]
    const path =
      (await mountVolumes(podOf([{ name: 'ram', emptyDir: { medium: 'Memory' } }], { containers }), world)).get('ram') ?? ''
    const { blocks, bsize } = await statfs(path)
    assert.equal(blocks * bsize, 8 * 1024 * 1024)
  })

  it('gives volumes to fsGroup, hostPath excepted', async () => {
    await mkdir(join(dataDir, 'host'))
    const volumes = [
      { name: 'disk', emptyDir: {} },
      { name: 'ram', emptyDir: { medium: 'Memory' } },
      { name: 'conf', configMap: { name: 'settings', defaultMode: 0o600 } },
      { name: 'host', hostPath: { path: join(dataDir, 'host') } },
    ]
    const paths = await mountVolumes(podOf(volumes, { securityContext: { fsGroup: 4711 } }), world)
    const owned = async (path: string) => [(await stat(path)).gid, await modeOf(path)]
    assert.deepEqual(await owned(paths.get('disk') ?? ''), [4711, '2777'])
    assert.deepEqual(await owned(paths.get('ram') ?? ''), [4711, '2777'])
    assert.deepEqual(await owned(join(paths.get('conf') ?? '', 'color')), [4711, '640'])
    assert.deepEqual((await stat(paths.get('host') ?? '')).gid, 0)
  })

  it('follows a ConfigMap, and mounts it read-only', async () => {
    const pod = podOf([{ name: 'conf', configMap: { name: 'settings' } }], {
      containers: [{ name: 'main', image: 'i', volumeMounts: [{ name: 'conf', mountPath: 'etc/conf' }] }],
    })
    const paths = await mountVolumes(pod, world)
    const hostPath = paths.get('conf') ?? ''
    assert.deepEqual(await mountsOf(pod, paths), [
      { containerPath: '/etc/conf', hostPath, readonly: true, propagation: 'private' },
    ])
    data = { color: 'blue', size: 'big' }
    await mountVolumes(pod, world)
    assert.equal(await readFile(join(hostPath, 'color'), 'utf8'), 'blue')
    assert.equal(await readFile(join(hostPath, 'size'), 'utf8'), 'big')
  })

  const mountsOf = async (pod: Pod, paths: ReadonlyMap<string, string>, env: { name: string; value: string }[] = []) => {
    const [container] = pod.spec.containers
    assert(container)
    return containerMounts(pod, container, paths, { dataDir, env })
  }
  const podWithMount = (mount: object, volume: object = { emptyDir: {} }) =>
    podOf([{ name: 'v', ...volume }], {
      containers: [{ name: 'main', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v', ...mount }] }],
    })

  it('bind-mounts the folder of a subPathExpr, and again for the next run', async () => {
    const pod = podWithMount({ subPathExpr: 'logs/$(POD)', mountPropagation: 'HostToContainer' })
    const paths = await mountVolumes(pod, world)
    const target = pathsOf().subPath('v', 'main', 0)
    for (let run = 0; run < 2; run++) {
      const want = { containerPath: '/v', hostPath: target, readonly: false, propagation: 'hostToContainer' }
      assert.deepEqual(await mountsOf(pod, paths, [{ name: 'POD', value: 'web' }]), [want])
      await writeFile(join(target, `run-${run}`), '')
    }
    assert.deepEqual(await readdir(join(paths.get('v') ?? '', 'logs/web')), ['run-0', 'run-1'])
    assert.equal((await mountsUnder(dataDir)).length, 1)
    await assert.rejects(mountsOf(pod, paths), { name: 'ConfigError', message: 'missing value for "POD"' })
  })

  it('bind-mounts a single file of a ConfigMap, as it is when the container starts', async () => {
    const pod = podWithMount({ subPath: 'color' }, { configMap: { name: 'settings' } })
    const paths = await mountVolumes(pod, world)
    const [mount] = await mountsOf(pod, paths)
    data = { color: 'blue' }
    await mountVolumes(pod, world)
    assert.equal(await readFile(mount?.hostPath ?? '', 'utf8'), 'red')
    const [next] = await mountsOf(pod, paths)
    assert.equal(await readFile(next?.hostPath ?? '', 'utf8'), 'blue')
  })

  it('lets no symlink of a subPath lead out of the volume, but those within it', async () => {
    const outside = join(dataDir, 'outside')
    await mkdir(join(outside, 'deep'), { recursive: true })
    const pod = podWithMount({ subPath: 'link/deep' })
    const paths = await mountVolumes(pod, world)
    const volume = paths.get('v') ?? ''
    await symlink(outside, join(volume, 'link'))
    await assert.rejects(mountsOf(pod, paths), {
      name: 'ConfigError',
      message: `failed to prepare subPath for volumeMount "v" of container "main": subpath "${outside}" not within volume path "${volume}"`,
    })
    await rm(join(volume, 'link'))
    await mkdir(join(volume, 'real'))
    await symlink('real', join(volume, 'link'))
    const [mount] = await mountsOf(pod, paths)
    await writeFile(join(mount?.hostPath ?? '', 'x'), '')
    assert.deepEqual(await readdir(join(volume, 'real/deep')), ['x'])
    assert.deepEqual(await readdir(join(outside, 'deep')), [])
  })

  it('cleans up after a crash without touching what a subPath of a hostPath showed', async () => {
    const host = join(dataDir, 'host')
    await mkdir(join(host, 'sub'), { recursive: true })
    await writeFile(join(host, 'sub/precious'), 'x')
    const pod = podWithMount({ subPath: 'sub' }, { hostPath: { path: host } })
    const [mount] = await mountsOf(pod, await mountVolumes(pod, world))
    assert.deepEqual(await readdir(mount?.hostPath ?? ''), ['precious'])
    // by another way to the same folder, as a restarted process may be given
    const alias = join(dataDir, 'alias')
    await symlink(dataDir, alias)
    await unmountVolumes('uid-1', alias)
    assert.deepEqual(await readdir(join(host, 'sub')), ['precious'])
    assert.deepEqual(await podsOnDisk(dataDir), [])
  })

  it('looks at what a hostPath is', async () => {
    const at = (name: string) => join(dataDir, name)
    await writeFile(at('file'), '')
    const server = createServer().listen(at('socket'))
    try {
      const check = async (type: string, path: string) => {
        const paths = await mountVolumes(podOf([{ name: 'h', hostPath: { path, type } }]), world)
        return paths.get('h')
      }
      const refusal = (path: string, what: string) => ({
        message: `MountVolume.SetUp failed for volume "h" : hostPath type check failed: ${path} is not ${what}`,
      })
      assert.equal(await check('', at('nowhere')), at('nowhere'))
      assert.equal(await check('File', at('file')), at('file'))
      assert.equal(await check('Socket', at('socket')), at('socket'))
      assert.equal(await check('CharDevice', '/dev/null'), '/dev/null')
      await assert.rejects(check('Directory', at('file')), refusal(at('file'), 'a directory'))
      await assert.rejects(check('File', at('nowhere')), refusal(at('nowhere'), 'a file'))
      await assert.rejects(check('Socket', at('file')), refusal(at('file'), 'a socket file'))
      await assert.rejects(check('BlockDevice', '/dev/null'), refusal('/dev/null', 'a block device'))
      await check('DirectoryOrCreate', at('new/folder'))
      assert.equal(await modeOf(at('new/folder')), '755')
      await check('FileOrCreate', at('new/file'))
      assert.equal(await modeOf(at('new/file')), '644')
      await chmod(at('file'), 0o600)
      await check('FileOrCreate', at('file'))
      assert.equal(await modeOf(at('file')), '600')
    } finally {
      server.close()
    }
  })

  it('does without mounts when it may not mount, and says so', async () => {
    const notes: string[] = []
    const folder = await mkdtemp(join(tmpdir(), 'volumes-plain-'))
    await chmod(folder, 0o777)
    const nobody = 65_534
    process.seteuid?.(nobody)
    try {
      const plain = { ...world, dataDir: await realpath(folder), log: (line: string) => void notes.push(line) }
      const volumes = [{ name: 'v', emptyDir: { medium: 'Memory' } }]
      const containers = [{ name: 'main', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 'a/b' }] }]
      const pod = podOf(volumes, { containers, securityContext: { fsGroup: 4711 } })
      const paths = await mountVolumes(pod, plain)
      const path = paths.get('v') ?? ''
      const [container] = pod.spec.containers
      assert(container)
      const [mount] = await containerMounts(pod, container, paths, { dataDir: plain.dataDir, env: [] })
      assert.equal(mount?.hostPath, join(path, 'a/b'))
      assert.deepEqual(await mountsUnder(plain.dataDir), [])
      assert.deepEqual(notes, [`${path}: not root, so this emptyDir of medium Memory is a plain folder without a size limit`])
      await unmountVolumes('uid-1', plain.dataDir)
      assert.deepEqual(await podsOnDisk(plain.dataDir), [])
    } finally {
      process.seteuid?.(0)
      await rm(folder, { recursive: true })
    }
  })

  it('mounts nothing, and leaves the machine alone, for a simulated Pod', async () => {
    const nowhere = join(dataDir, 'nowhere')
    const volumes = [
      { name: 'ram', emptyDir: { medium: 'Memory' } },
      { name: 'host', hostPath: { path: nowhere, type: 'DirectoryOrCreate' } },
    ]
    const volumeMounts = [{ name: 'host', mountPath: '/v', subPath: 'a' }]
    const pod = podOf(volumes, { containers: [{ name: 'main', image: 'i', volumeMounts }] })
    const paths = await mountVolumes(pod, { ...world, simulated: true })
    const [container] = pod.spec.containers
    assert(container)
    const [mount] = await containerMounts(pod, container, paths, { dataDir, env: [], simulated: true })
    assert.equal(mount?.hostPath, join(nowhere, 'a'))
    assert.deepEqual(await mountsUnder(dataDir), [])
    await assert.rejects(stat(nowhere), { code: 'ENOENT' })
  })

  it('knows which changes of a Pod its volumes show', () => {
    const labelled = (volumes: object[], app: string) => samplePod({ volumes }, { labels: { app } })
    const downwardAPI = { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] }
    const showing = [{ name: 'v', projected: { sources: [{ downwardAPI }] } }]
    assert.equal(showsChange(labelled(showing, 'a'), labelled(showing, 'b')), true)
    assert.equal(showsChange(labelled(showing, 'a'), labelled(showing, 'a')), false)
    assert.equal(showsChange(labelled([], 'a'), labelled([], 'b')), false)
  })

  it('names every volume that fails', async () => {
    const volumes = [
      { name: 'claim', persistentVolumeClaim: { claimName: 'c' } },
      { name: 's', secret: { secretName: 'nope' } },
    ]
    await assert.rejects(mountVolumes(podOf(volumes), world), {
      name: 'VolumeError',
      message:
        'MountVolume.SetUp failed for volume "claim" : no volume plugin matched: persistentVolumeClaim is not supported by this node; ' +
        'MountVolume.SetUp failed for volume "s" : secret "nope" not found',
    })
  })
})
