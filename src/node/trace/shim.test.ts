import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { eventually } from '../../testing/eventually.ts'
import { argvOf } from './process.ts'
import { apiOfBundle, shimOf, shimServing } from './shim.ts'

let dir = ''
const ending: (() => void)[] = []
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'polypod-'))))
afterEach(async () => {
  for (const end of ending.splice(0)) end()
  await rm(dir, { recursive: true })
})

/** A process that calls itself a shim, at work in a bundle, with a child as its task. */
async function runShim(bundle: string, files: Record<string, string>) {
  const cwd = join(dir, bundle)
  await mkdir(cwd, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(cwd, name), text)
  const script = 'sleep 30 & echo $!; wait'
  const args = ['-c', script, 'x', '-namespace', 'k8s.io', '-id', 'sandbox-1', '-address', '/run/c.sock']
  const child = spawn('/bin/sh', args, { cwd, argv0: 'containerd-shim-fake-v2', stdio: ['ignore', 'pipe', 'inherit'] })
  const task = Number(
    await new Promise<string>((resolve) => void child.stdout.once('data', (text: Buffer) => resolve(text.toString()))),
  )
  ending.push(() => {
    process.kill(task)
    child.kill()
  })
  // between fork and exec it looks like its parent
  await eventually(async () => (await argvOf(task))[0] === 'sleep')
  return { pid: child.pid ?? 0, task, cwd }
}

describe('shimOf', () => {
  it('reads the shim above a process, and what it told containerd when it was started', async () => {
    const bootstrap = { version: 3, address: 'unix:///run/s/abc', protocol: 'grpc' }
    const { pid, task, cwd } = await runShim('io.containerd.runtime.v2.task/k8s.io/sandbox-1', {
      ...{ address: 'unix:///run/s/old', 'bootstrap.json': JSON.stringify(bootstrap) },
    })
    const { argv, startedAtMs, path, ...found } = (await shimOf(task, Date.now())) ?? assert.fail('no shim')
    assert.deepEqual(found, {
      ...{ pid, parent: process.pid, bundle: cwd, api: 'v2', taskVersion: 3, protocol: 'grpc', socket: '/run/s/abc' },
      ...{ containerdSocket: '/run/c.sock', namespace: 'k8s.io' },
    })
    assert.deepEqual([argv[0], startedAtMs > Date.now() - 60_000, path.startsWith('/')], ['containerd-shim-fake-v2', true, true])
  })

  it('takes an address without more for the first protocol', async () => {
    const { task } = await runShim('io.containerd.runtime.v1.linux/k8s.io/sandbox-1', { address: 'unix:///run/s/old' })
    const { api, taskVersion, protocol, socket } = (await shimOf(task, 0)) ?? assert.fail('no shim')
    assert.deepEqual([api, taskVersion, protocol, socket], ['v1', undefined, 'ttrpc', '/run/s/old'])
  })

  it('finds by its arguments a shim that the process does not descend from, as of a VM', async () => {
    const { pid } = await runShim('io.containerd.runtime.v2.task/k8s.io/sandbox-1', {})
    assert.equal(await shimOf(process.pid, 0), undefined)
    assert.equal((await eventually(() => shimServing('sandbox-1', 0))).pid, pid)
    assert.equal((await shimOf(process.pid, 0, 'sandbox-1'))?.pid, pid)
    assert.equal(await shimOf(process.pid, 0, 'sandbox-2'), undefined)
  })
})

describe('apiOfBundle', () => {
  cases(
    [
      { name: 'v1', bundle: '/run/containerd/io.containerd.runtime.v1.linux/k8s.io/a', api: 'v1' },
      { name: 'v2', bundle: '/run/containerd/io.containerd.runtime.v2.task/k8s.io/a', api: 'v2' },
      { name: 'neither', bundle: '/var/lib/elsewhere', api: undefined },
      { name: 'unseen', bundle: undefined, api: undefined },
    ],
    ({ bundle, api }) => assert.equal(apiOfBundle(bundle), api),
  )
})
