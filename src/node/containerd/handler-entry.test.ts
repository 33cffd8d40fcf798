import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'smol-toml'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { handlerTable } from '../../containerd/handler-table.ts'
import { cases } from '../../testing/cases.ts'
import { builtFolder } from './binaries.ts'
import { handlerEntry } from './handler-entry.ts'
import { plainAnswer } from './stand-ins.ts'

const run = promisify(execFile)
let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'polypod-entry-'))
})
afterAll(() => rm(dir, { recursive: true }))

const recipe = (name: string) => handlerTable.find((row) => row.name === name) ?? assert.fail(name)
const place = (minor: number, runtimes: Record<string, string>) => ({
  machine: {
    containerd: { path: '/usr/bin/containerd', version: { major: 1, minor }, text: `1.${minor}` },
    runtimes: new Map(Object.entries(runtimes)),
  },
  paths: { dir, bin: dir, state: '/run/pp/state' },
  hybridCgroups: false,
  systemdCgroup: true,
})
const gvisor = { runsc: '/opt/runsc', 'containerd-shim-runsc-v1': '/opt/containerd-shim-runsc-v1' }

describe('entry of a handler', () => {
  it('tells the shim of gVisor by file which runsc it runs, and where its state goes', async () => {
    const entry = await handlerEntry(recipe('gvisor'), place(7, gvisor))
    const optionsFile = join(dir, 'gvisor.toml')
    assert.deepEqual(entry, { recipe: recipe('gvisor'), shimPath: undefined, optionsFile })
    assert.deepEqual(structuredClone(parse(await readFile(optionsFile, 'utf8'))), {
      binary_name: '/opt/runsc',
      root: '/run/pp/state/runtimes/gvisor',
      runsc_config: { 'systemd-cgroup': 'true' },
    })
  })

  it('says where the shim is that we built, as no PATH leads there', async () => {
    const shim = join(builtFolder(), 'containerd-shim-runsc-v1')
    const built = { runsc: join(builtFolder(), 'runsc'), 'containerd-shim-runsc-v1': shim }
    assert.equal((await handlerEntry(recipe('gvisor'), place(7, built))).shimPath, shim)
  })

  it('puts a stand-in for a foreign shim where containerd 1.6 looks first', async () => {
    const { shimPath } = await handlerEntry(recipe('gvisor'), place(6, gvisor))
    assert.equal(shimPath, join(dir, 'containerd-shim-runsc-v1'))
  })

  it('leaves the shims to containerd that come with it', async () => {
    const runc = { runc: '/usr/sbin/runc', 'containerd-shim-runc-v2': '/usr/bin/containerd-shim-runc-v2' }
    assert.deepEqual(await handlerEntry(recipe('runc'), place(6, runc)), {
      recipe: recipe('runc'),
      runtimePath: '/usr/sbin/runc',
    })
  })
})

describe('stand-in for a shim newer than its containerd', () => {
  it('names the shim that is gone', async () => {
    const path = await plainAnswer(dir, join(dir, 'nothing'), recipe('kata'))
    const stdout = 'runtime "io.containerd.kata.v2" binary not installed "containerd-shim-kata-v2": file does not exist\n'
    await assert.rejects(run(path, ['start']), { stdout })
  })

  const json = '{"version":2,"address":"unix:///run/containerd/s/1a","protocol":"ttrpc"}'
  cases(
    [
      { name: 'JSON: the address alone', says: json, args: ['-id', 'a', 'start'], want: ['unix:///run/containerd/s/1a', 0] },
      { name: 'an address', says: 'unix:///s/2b', args: ['-id', 'a', 'start'], want: ['unix:///s/2b', 0] },
      { name: 'other commands', says: json, args: ['-id', 'start', 'delete'], want: [json, 0] },
      { name: 'why it failed', says: 'no socket', code: 3, args: ['start'], want: ['no socket', 3] },
    ],
    async ({ says, code = 0, args, want }) => {
      const shim = join(dir, 'a shim')
      await writeFile(shim, `#!/bin/sh\nprintf '%s' '${says}'\nexit ${code}\n`, { mode: 0o755 })
      const path = await plainAnswer(dir, shim, recipe('kata'))
      const done = await run(path, args).then(
        ({ stdout }) => [stdout, 0],
        (error: { stdout: string; code: number }) => [error.stdout, error.code],
      )
      assert.deepEqual(done, want)
    },
  )
})

it('what we build lies in the cache of the user', () => {
  assert.equal(builtFolder({ XDG_CACHE_HOME: '/var/cache/me' }), '/var/cache/me/polypod/bin')
})
