// A data directory that was damaged: one line that says what to do, the right exit code, and nothing lost.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { cases } from '../../src/testing/cases.ts'
import { type CliCluster, cliCluster, type Done, polypod } from './polypod.ts'

const oneLine = ({ stderr }: Done): string => {
  assert.match(stderr, /^polypod: [^\n]*\n$/)
  return stderr
}

describe('a data directory', () => {
  let cluster: CliCluster
  beforeAll(async () => {
    cluster = await cliCluster(['--simulated'])
    await cluster.kubectl(['create', 'configmap', 'kept'])
    await cluster.down()
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  cases(
    [
      {
        name: 'with a store that is none',
        file: 'store/data.mdb',
        text: 'junk',
        says: /the store cannot be opened: \S+data\.mdb is corrupt/,
      },
      { name: 'with a corrupt CA', file: 'pki/ca.pem', text: 'junk', says: /certificate file \S+ca\.pem is corrupt/ },
      { name: 'with a corrupt certificate', file: 'pki/admin.pem', text: '', says: /certificate file \S+admin\.pem is corrupt/ },
    ],
    async (row) => {
      const path = join(cluster.dataDir, row.file)
      const whole = await readFile(path)
      await writeFile(path, row.text)
      const up = await cluster.up()
      assert.match(oneLine(up), row.says)
      assert.equal(up.code, 7)
      assert.equal(await readFile(path, 'utf8'), row.text, 'left alone')
      await writeFile(path, whole)
      assert.equal((await cluster.up()).code, 0)
      assert.equal(await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'name']), 'configmap/kept\n')
      await cluster.down()
    },
  )

  it('whose kubeconfig is deleted while it runs says so, and has it again after the next start', async () => {
    await cluster.up()
    const before = await readFile(cluster.kubeconfig, 'utf8')
    await rm(cluster.kubeconfig)
    const asked = await Promise.all(['status', 'runtimes', 'kubeconfig'].map((c) => polypod(c, '--data-dir', cluster.dataDir)))
    const why = `${cluster.kubeconfig} is gone: \`polypod down --data-dir ${cluster.dataDir}\` and \`up\` again writes it anew`
    assert.deepEqual(
      asked.map(({ code, stdout, stderr }) => [code, `${stdout}${stderr}`.includes(why)]),
      [
        [8, true],
        [1, true],
        [1, true],
      ],
    )
    assert.equal((await cluster.down()).code, 0)
    assert.equal((await cluster.up()).code, 0)
    assert.equal(await readFile(cluster.kubeconfig, 'utf8'), before)
    assert.equal(await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'name']), 'configmap/kept\n')
  })
})

it('up says that it cannot write to a data directory', async (context) => {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return context.skip('a read-only mount needs root on Linux')
  const folder = await mkdtemp(join(tmpdir(), 'polypod-readonly-'))
  const mount = join(folder, 'mount')
  await mkdir(mount)
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', mount])
  try {
    for (const dir of [mount, join(mount, 'new'), '/dev/null/below'])
      for (const flags of [[], ['--detach']]) {
        const up = await polypod('up', '--simulated', '--port', '0', '--data-dir', dir, ...flags)
        assert.equal(up.code, 1)
        assert.match(oneLine(up), /^polypod: cannot (write to|make) the data directory: /)
      }
  } finally {
    execFileSync('umount', [mount])
    await rm(folder, { recursive: true })
  }
})
