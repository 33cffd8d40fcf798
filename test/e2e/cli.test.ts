// The CLI as somebody types it: help, mistakes, exit codes.
import assert from 'node:assert/strict'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { toolEnvironment } from '../../src/node/containerd/command.ts'
import { cases } from '../../src/testing/cases.ts'
import { cliCluster, polypod, run, polypodPath } from './polypod.ts'
import { tracesOf } from './traces.ts'

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

const noRoot = process.getuid?.() === 0 ? undefined : 'needs root on Linux'
describe.skipIf(noRoot)(`up without a containerd it can use${noRoot ? ` (skipped: ${noRoot})` : ''}`, () => {
  /** A folder for the front of PATH with one program in it. */
  const folderWith = async (program: string, script: string) => {
    const bin = await mkdtemp(join(folder, 'bin-'))
    await writeFile(join(bin, program), `#!/bin/sh\n${script}\n`)
    await chmod(join(bin, program), 0o755)
    return bin
  }
  const upArgs = (dataDir: string) => ['up', '--port', '0', '--data-dir', dataDir]
  const path = toolEnvironment()['PATH'] ?? ''

  const rows: { name: string; program: string; script: string; says: RegExp }[] = [
    {
      name: 'says which one is too old, and what is needed',
      program: 'containerd',
      script: 'echo containerd github.com/containerd/containerd 1.4.13~ds1 1.4.13~ds1-1~deb11u4',
      says: /^polypod: containerd 1\.4\.13~ds1 \(BIN\/containerd\) is too old: install 1\.6 or later \(--simulated runs without containers\)\n$/,
    },
    {
      name: 'says in one line that one cannot tell its version',
      program: 'containerd',
      script: 'echo bad library >&2; echo more >&2; exit 127',
      says: /^polypod: BIN\/containerd --version failed: bad library \(--simulated runs without containers\)\n$/,
    },
  ]
  cases(rows, async ({ program, script, says }) => {
    const bin = await folderWith(program, script)
    const dataDir = await mkdtemp(join(folder, 'up-'))
    const { code, stderr } = await run(polypodPath, upArgs(dataDir), { env: { PATH: `${bin}:${path}` } })
    assert.match(stderr.replaceAll(bin, 'BIN'), says)
    assert.equal(code, 6)
    assert.deepEqual(await tracesOf(dataDir), [])
  })

  it('says that there is none, and how to get one', async (context) => {
    // all of them are hidden in a mount namespace: the usual folders are looked into whatever PATH says
    const hide = path.split(':').map((at) => `[ ! -e ${at}/containerd ] || mount --bind /dev/null ${at}/containerd`)
    const script = `${hide.join(' && ')} || exit 99\nexec "$@"`
    const dataDir = await mkdtemp(join(folder, 'up-'))
    const hidden = ['--mount', '--propagation', 'private', '/bin/sh', '-c', script, 'sh']
    if ((await run('unshare', [...hidden, 'true'])).code !== 0) return context.skip('may not mount here')
    const { code, stderr } = await run('unshare', [...hidden, polypodPath, ...upArgs(dataDir)])
    assert.equal(
      stderr,
      'polypod: containerd is not installed (no `containerd` on PATH): install it, on Debian with `apt install containerd`' +
        ' (--simulated runs without containers)\n',
    )
    assert.equal(code, 6)
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
