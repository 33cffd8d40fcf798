import assert from 'node:assert/strict'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { ociRuntimeOf, shimVersion } from './oci-runtime.ts'
import type { Shim } from './shim.ts'

let dir = ''
beforeEach(async () => void (dir = await mkdtemp(join(tmpdir(), 'polypod-'))))
afterEach(() => rm(dir, { recursive: true }))

const put = async (path: string, text: string, mode = 0o644) => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
  await chmod(path, mode)
}
const shimIn = (bundle: string, argv: string[] = []): Shim => ({
  ...{ pid: process.pid, parent: 1, path: 'containerd-shim-runc-v2', argv, startedAtMs: 0, bundle, namespace: 'k8s.io' },
})
const runc = 'io.containerd.runc.v2'

describe('ociRuntimeOf', () => {
  it('believes the options the shim was given over those of the configuration, and reads the state of crun', async () => {
    const path = join(dir, 'bin', 'crun')
    await put(path, '#!/bin/sh\necho crun version 9.8.7\n', 0o755)
    await put(join(dir, 'bundle', 'options.json'), JSON.stringify({ binary_name: path, root: join(dir, 'root') }))
    const file = join(dir, 'root', 'k8s.io', 'id-1', 'status')
    await put(file, JSON.stringify({ pid: 77, created: '2026-01-02T03:04:05Z' }))
    const evidence = { runtimeType: runc, runtimeOptions: { binary_name: '/elsewhere/runc' } }
    assert.deepEqual(await ociRuntimeOf(evidence, shimIn(join(dir, 'bundle')), 'id-1'), {
      ...{ name: 'crun', path, version: '9.8.7', isScript: true },
      state: { file, pid: 77, created: '2026-01-02T03:04:05Z' },
    })
  })

  it('reads of a shim of API v1 its runtime, the root from its arguments, and the state of runc', async () => {
    const path = join(dir, 'runc')
    await put(path, 'not a program')
    const file = join(dir, 'v1', 'k8s.io', 'id-1', 'state.json')
    await put(file, JSON.stringify({ init_process_pid: 88 }))
    const evidence = { runtimeType: 'io.containerd.runtime.v1.linux', runtimeOptions: { runtime: path } }
    const shim = shimIn(join(dir, 'bundle'), ['containerd-shim', '-runtime-root', join(dir, 'v1')])
    assert.deepEqual(await ociRuntimeOf(evidence, shim, 'id-1'), {
      ...{ name: 'runc', path, version: undefined },
      state: { file, pid: 88, created: undefined },
    })
  })

  it('takes the process of a gVisor sandbox for the runtime, which it is', async () => {
    const path = join(dir, 'runsc')
    await put(path, '#!/bin/sh\necho runsc version release-1.2\n', 0o755)
    const found = await ociRuntimeOf({ runtimeType: 'io.containerd.runsc.v1', exe: path }, undefined, 'id-1')
    assert.deepEqual([found?.name, found?.path], ['runsc', path])
  })

  it('looks where the shim would for a name without a path', async () => {
    const found = await ociRuntimeOf({ runtimeType: runc }, shimIn(dir), 'id-1')
    assert.equal(found?.name, 'runc')
    assert.ok(found.path === undefined || found.path.endsWith('/runc'), found.path)
  })

  it('knows of none behind a shim that is the runtime', async () => {
    assert.equal(await ociRuntimeOf({ runtimeType: 'io.containerd.kata.v2' }, shimIn(dir), 'id-1'), undefined)
    assert.equal(await ociRuntimeOf({}, undefined, 'id-1'), undefined)
  })
})

describe('shimVersion', () => {
  cases(
    [
      { name: 'asks a shim for its own', file: 'containerd-shim-fake-v1', want: '0.5.0' },
      {
        name: 'asks one of Kata in its own way, as -v is about what it is built on',
        file: 'containerd-shim-kata-v2',
        want: '3.2.0',
      },
      { name: 'asks nothing that is not called as a shim: an interpreter', file: 'python3', want: undefined },
    ],
    async ({ file, want }) => {
      const path = join(dir, file)
      await put(
        path,
        `#!/bin/sh\n[ "$1" = -v ] && echo "fake: Version: 0.5.0" || echo '(Golang): id: "a.kata.v2", version: 3.2.0'\n`,
        0o755,
      )
      assert.equal(await shimVersion({ path }), want)
    },
  )

  it('knows none of a shim whose file may not be seen', async () => {
    assert.equal(await shimVersion({ path: 'containerd-shim-fake-v1' }), undefined)
  })
})
