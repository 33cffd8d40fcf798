// The CLI as somebody types it: help, mistakes, exit codes.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { cases } from '../../src/testing/cases.ts'
import { cliCluster, polypod, run, polypodPath } from './polypod.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'polypod-cli-'))
  // builds, when it has to
  await polypod('version')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('polypod', () => {
  cases(
    ['up', 'down', 'status', 'kubeconfig', 'runtimes', 'ledger', 'version'].map((command) => ({
      name: `${command} --help shows an example`,
      command,
    })),
    async (row) => {
      const { code, stdout } = await polypod(row.command, '--help')
      assert.equal(code, 0)
      assert.match(stdout, /Examples?:\n  .*polypod/)
    },
  )

  it('prints versions as JSON', async () => {
    const { stdout } = await polypod('version', '-o', 'json')
    assert.deepEqual(Object.keys(JSON.parse(stdout) as object), ['polypod', 'kubernetes', 'node'])
  })

  const rows: { name: string; args: string[]; code: number; says: RegExp }[] = [
    {
      name: 'suggests the command that was meant',
      args: ['statsu'],
      code: 2,
      says: /unknown command 'statsu'\n\(Did you mean status\?\)/,
    },
    { name: 'refuses an unknown flag', args: ['up', '--detached'], code: 2, says: /unknown option '--detached'/ },
    { name: 'refuses a port that is none', args: ['up', '--port', '70000'], code: 2, says: /whole number from 0 to 65535/ },
    { name: 'refuses flags that contradict', args: ['up', '--cri', 'x', '--simulated'], code: 2, says: /cannot be used with/ },
    { name: 'refuses an unknown output format', args: ['status', '-o', 'xml'], code: 2, says: /Allowed choices are json/ },
    {
      name: 'says where there is no cluster',
      args: ['kubeconfig', '--data-dir', '/nonexistent'],
      code: 8,
      says: /^polypod: no cluster in \/nonexistent: start one with `polypod up`\n$/,
    },
    {
      name: 'needs a cluster to list runtimes',
      args: ['runtimes', '--data-dir', '/nonexistent'],
      code: 8,
      says: /no cluster runs in/,
    },
    {
      name: 'says which socket nobody answers at',
      args: ['up', '--cri', 'unix:///nonexistent.sock', '--port', '0', '--data-dir', 'DIR'],
      code: 6,
      says: /^polypod: no CRI runtime answers at \/nonexistent\.sock: [^\n]*\n$/,
    },
  ]
  cases(rows, async (row) => {
    const args = row.args.map((arg) => (arg === 'DIR' ? join(folder, 'cri') : arg))
    const { code, stderr } = await polypod(...args)
    assert.match(stderr, row.says)
    assert.equal(code, row.code)
  })

  it('refuses a corrupt settings file, and leaves it alone', async () => {
    const dir = await mkdtemp(join(folder, 'corrupt-'))
    await writeFile(join(dir, 'cluster.json'), '{"port": ')
    const { code, stderr } = await polypod('up', '--simulated', '--data-dir', dir)
    assert.match(stderr, /^polypod: .*cluster\.json is corrupt \([^\n]*\): mend it, or delete it[^\n]*\n$/)
    assert.equal(code, 7)
    assert.ok((await readdir(dir)).includes('cluster.json'))
  })

  it('refuses a port that another program has', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { code, stderr } = await polypod('up', '--simulated', '--port', String(port), '--data-dir', join(folder, 'port'))
    other.close()
    assert.match(stderr, new RegExp(`^polypod: port ${port} is taken: give another with --port[^\\n]*\\n$`))
    assert.equal(code, 4)
  })

  it('says that containers need root', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('not root: cannot become another user')
    await run('chmod', ['755', folder])
    const dir = await mkdtemp(join(folder, 'user-'))
    await run('chown', ['65534:65534', dir])
    const { code, stderr } = await run('setpriv', [
      '--reuid=65534',
      '--regid=65534',
      '--clear-groups',
      process.execPath,
      polypodPath,
      'up',
      '--data-dir',
      dir,
    ])
    if (/EACCES|Cannot find module/.test(stderr)) return context.skip('other users cannot read this checkout')
    assert.match(stderr, /^polypod: running containers needs root: use sudo, or --simulated[^\n]*\n$/)
    assert.equal(code, 5)
  })
})

describe('a simulated cluster of the CLI', () => {
  it('starts in the background, tells of itself, keeps others out, stops, and starts again as it was', async () => {
    await using cluster = await cliCluster(['--simulated', '--nodes', '2', '--handlers', 'runc,kata'])
    const before = await cluster.status()
    assert.deepEqual(
      before.nodes.map(({ name, ready, handlers }) => ({ name, ready, handlers })),
      ['node-1', 'node-2'].map((name) => ({ name, ready: true, handlers: ['kata', 'runc'] })),
    )
    assert.equal((await stat(cluster.kubeconfig)).mode & 0o777, 0o600)
    const second = await cluster.up('--simulated')
    assert.match(second.stderr, /^polypod: .* is in use by a live cluster \(pid \d+\): stop it with `polypod down[^\n]*\n$/)
    assert.equal(second.code, 3)
    await cluster.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b'])
    assert.match((await cluster.down()).stdout, /^stopped the cluster in /)
    const stopped = await polypod('status', '--data-dir', cluster.dataDir)
    assert.deepEqual([stopped.code, stopped.stdout.split('.')[0]], [8, `No cluster runs in ${cluster.dataDir}`.split('.')[0]])
    await cluster.up()
    const after = await cluster.status()
    assert.deepEqual([after.url, after.nodes], [before.url, before.nodes])
    assert.equal(await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}']), 'b')
  })

  it('lists handlers, and classes that no node serves', async () => {
    await using cluster = await cliCluster(['--simulated', '--handlers', 'runc'])
    await cluster.kubectl(['apply', '-f', '-'], ['runc', 'gvisor'].map(classOf).join('---\n'))
    const { stdout } = await polypod('runtimes', '--data-dir', cluster.dataDir)
    assert.equal(
      stdout,
      [
        'NODE     HANDLER   DEFAULT   TYPE        SHIM   RUNTIME   VERSION   CLASSES   READY',
        'node-1   runc      yes       simulated   -      -         -         runc      yes',
        '-        gvisor              -           -      -         -         gvisor    no: no node offers it (needs containerd-shim-runsc-v1 and runsc)\n',
      ].join('\n'),
    )
  })
})

const classOf = (name: string) =>
  `apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: { name: ${name} }\nhandler: ${name}\n`
