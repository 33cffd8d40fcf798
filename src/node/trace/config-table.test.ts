import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { tableIn } from './config-table.ts'

const cri = 'plugins."io.containerd.grpc.v1.cri".containerd'
const main = `version = 2
imports = ["more.toml"]
[${cri}]
default_runtime_name = "crun"
[${cri}.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
[${cri}.runtimes.crun.options]
BinaryName = "/usr/bin/crun"
[${cri}.runtimes."runc-v1"]
  runtime_engine = "/usr/sbin/runc"
  runtime_type = 'io.containerd.runtime.v1.linux'
`
let dir = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'polypod-'))
  await writeFile(join(dir, 'config.toml'), main)
  await writeFile(join(dir, 'more.toml'), `version = 2\n`)
  await writeFile(join(dir, 'empty.toml'), '')
})
afterAll(() => rm(dir, { recursive: true }))

describe('tableIn', () => {
  cases(
    [
      {
        name: 'finds the table of a handler, not that of its options',
        file: 'config.toml',
        asked: 'crun',
        found: { handler: 'crun', line: 5, table: `[${cri}.runtimes.crun]`, runtimeType: 'io.containerd.runc.v2' },
      },
      {
        name: 'reads quoted names, and a type that is not on the first line',
        file: 'config.toml',
        asked: 'runc-v1',
        found: {
          handler: 'runc-v1',
          line: 9,
          table: `[${cri}.runtimes."runc-v1"]`,
          runtimeType: 'io.containerd.runtime.v1.linux',
        },
      },
      {
        name: 'follows the default when the Pod named no handler',
        file: 'config.toml',
        asked: '',
        found: {
          ...{ handler: 'crun', line: 5, table: `[${cri}.runtimes.crun]`, runtimeType: 'io.containerd.runc.v2' },
          byDefault: { file: 'config.toml', line: 4 },
        },
      },
      { name: 'finds nothing of a handler that is not there', file: 'config.toml', asked: 'kata', found: { handler: 'kata' } },
      {
        name: 'takes the built-in runc for the default of an empty file',
        file: 'empty.toml',
        asked: '',
        found: { handler: 'runc', runtimeType: 'io.containerd.runc.v2' },
      },
      {
        name: 'says why when there is no file',
        file: 'none.toml',
        asked: '',
        found: { handler: 'runc', unread: 'none.toml: no such file' },
      },
    ],
    async ({ file, asked, found }) => {
      const got = JSON.stringify(await tableIn(join(dir, file), asked)).replaceAll(`${dir}/`, '')
      assert.deepEqual(JSON.parse(got), { file, ...found })
    },
  )
})
