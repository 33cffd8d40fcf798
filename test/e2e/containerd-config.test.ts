// polypod containerd on files of all kinds, and on the containerd of a running cluster: added, proved, used, removed, rolled back.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { CheckedConfig } from '../../src/cli/containerd-check.ts'
import type { ShownConfig } from '../../src/cli/containerd-show.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, polypod, whyNoContainers } from './polypod.ts'

const containerd = (...args: string[]) => polypod('containerd', ...args)
const corpus = resolve(import.meta.dirname, '..', 'containerd')

describe('polypod containerd, on files', () => {
  let dir = ''
  let file = ''
  const text =
    'version = 2 # two\n\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]\n\truntime_type = "io.containerd.runc.v2"'
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
    file = join(dir, 'config.toml')
    // any file that can be executed is a shim to a check
    await writeFile(join(dir, 'containerd-shim-mine-v1'), '#!/bin/sh\n', { mode: 0o755 })
  })
  afterAll(() => rm(dir, { recursive: true }))
  const add = (...more: string[]) => {
    const mine = [
      '--containerd-version',
      '1.7',
      '--runtime-type',
      'io.containerd.mine.v1',
      '--binary',
      join(dir, 'containerd-shim-mine-v1'),
    ]
    return containerd(
      'add',
      'mine',
      ...mine,
      '--set',
      'pod_annotations=["mine.dev/*"]',
      '--option',
      'Debug=true',
      '--config',
      file,
      ...more,
    )
  }

  it('shows handlers with their lines, and checks as the version asked for would read them', async () => {
    const old = join(corpus, '25-v3-old-table.toml')
    const show = await containerd('show', '--config', old, '--containerd-version', '2.3', '-o', 'json')
    const shown = JSON.parse(show.stdout) as ShownConfig
    assert.deepEqual(
      shown.handlers.map(({ name, isDefault, line }) => [name, isDefault, line]),
      [
        ['runc', true, 9],
        ['gvisor', false, 12],
      ],
    )
    const check = await containerd('check', '--config', old, '--containerd-version', '2.1', '--elsewhere', '-o', 'json')
    const { findings } = JSON.parse(check.stdout) as CheckedConfig
    assert.deepEqual([check.code, findings.map(({ code, place }) => [code, place?.line])], [1, [['table-ignored', 6]]])
  })

  it('adds and removes through a symbolic link, keeping mode and every byte, with backups', async () => {
    const real = join(dir, 'real.toml')
    await writeFile(real, text)
    await chmod(real, 0o640)
    await symlink(real, file)
    const added = await add()
    assert.deepEqual([added.code, added.stderr], [0, ''])
    assert.match(added.stdout, /^added handler "mine" in .*config\.toml \(before: .*\.bak\)\n.*Restart it/)
    const table = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.mine'
    const shim = `\truntime_path = "${join(dir, 'containerd-shim-mine-v1')}"`
    const lines = [`${table}]`, '\truntime_type = "io.containerd.mine.v1"', shim, '\tpod_annotations = ["mine.dev/*"]']
    const options = [`\t${table}.options]`, '\t\tDebug = true']
    assert.equal(await readFile(real, 'utf8'), [text, '', ...lines, '', ...options].join('\n'))
    assert.equal((await stat(real)).mode & 0o777, 0o640)
    const removed = await containerd('remove', 'mine', '--config', file)
    assert.equal(removed.code, 0)
    assert.equal(await readFile(file, 'utf8'), text)
    const backups = (await readdir(dir)).filter((name) => name.endsWith('.bak'))
    assert.ok(backups.length >= 1)
  })

  it('puts all back when containerd cannot be restarted', async () => {
    const before = (await readdir(dir)).length
    const failed = await add('--restart', 'echo no such service >&2; exit 5')
    assert.equal(failed.code, 1)
    assert.match(
      failed.stderr,
      /^polypod: handler "mine" was not added: `echo.*` failed: no such service; the file is as it was, but/,
    )
    assert.deepEqual([await readFile(file, 'utf8'), (await readdir(dir)).length], [text, before])
  })

  it('removes nothing while shims of a containerd that is away live on', async () => {
    const away = join(dir, 'away.toml')
    const socket = join(dir, 'away.sock')
    const old = `version = 2\n[grpc]\naddress = "${socket}"\n${text.slice(text.indexOf('[plugins'))}\n${text.slice(text.indexOf('[plugins')).replace('runtimes.runc', 'runtimes.second')}\n`
    await writeFile(away, old)
    // ends with its standard input
    const shim = spawn('/bin/sh', ['-c', 'read line', '-address', socket], { argv0: 'containerd-shim-runc-v2' })
    try {
      await once(shim, 'spawn')
      const refused = await containerd('remove', 'second', '--config', away)
      assert.deepEqual([refused.code, await readFile(away, 'utf8')], [1, old])
      assert.match(
        refused.stderr,
        new RegExp(`no containerd runs with .*away\\.toml, and a shim of it lives on \\(pid ${shim.pid}\\)`),
      )
    } finally {
      shim.stdin.end()
      await once(shim, 'exit')
    }
    assert.equal((await containerd('remove', 'second', '--config', away)).code, 0)
  })

  it('refuses a removal that leaves a new error behind', async () => {
    const mixed = join(dir, 'mixed.toml')
    const handler = (name: string, isSystemd: boolean) =>
      `\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]\nruntime_type = "io.containerd.runc.v2"\noptions = { SystemdCgroup = ${isSystemd} }\n`
    const old = `version = 2\n${handler('first', true)}${handler('runc', true)}${handler('second', false)}`
    await writeFile(mixed, old)
    const done = await containerd('remove', 'runc', '--default', 'second', '--config', mixed, '--containerd-version', '1.7')
    assert.equal(done.code, 1)
    assert.match(done.stderr, /nothing was changed, because it would not work:\n.*"first" makes cgroups with systemd, "second"/)
    assert.equal(await readFile(mixed, 'utf8'), old)
  })

  it('refuses what would not work, in its own words', async () => {
    const refusals = [
      [['add', 'Not_A_Label', '--runtime-type', 'x.y'], 2, /cannot be a handler's name/],
      [['add', 'runc', '--runtime-type', 'x.y'], 1, /is there already: .*config\.toml:3$/],
      [
        ['add', 'none', '--runtime-type', 'io.containerd.none.v1'],
        1,
        /nothing was changed, because it would not work:\n.*containerd-shim-none-v1/,
      ],
      [['add', 'x'], 2, /--runtime-type/],
      [['remove', 'runc'], 1, /is the default handler: say with --default/],
      [['remove', 'none'], 1, /there is no handler "none"/],
      [['show', '--data-dir', dir], 2, /--config and --data-dir both say/],
    ] as const
    for (const [args, code, words] of refusals) {
      const done = await containerd(...args, '--config', file)
      assert.deepEqual([done.code, words.test(done.stderr.trim()) || done.stderr], [code, true], args.join(' '))
    }
    await writeFile(join(dir, 'bad.toml'), 'version = 2\nroot = \n')
    const bad = await containerd('check', '--config', join(dir, 'bad.toml'))
    assert.deepEqual([bad.code, bad.stdout], [1, ''])
    assert.match(bad.stderr, /^polypod: .*bad\.toml:2:8: not valid TOML: [^\n]*\n$/)
    assert.equal(await readFile(file, 'utf8'), text)
  })
})

const reason = await whyNoContainers()
describe.skipIf(reason)(`polypod containerd, on a running cluster${reason ? ` (${reason})` : ''}`, () => {
  let cluster: CliCluster
  let file = ''
  let before = ''
  beforeAll(async () => {
    cluster = await cliCluster(['--handlers', 'runc'])
    file = join(cluster.dataDir, 'containerd', 'config.toml')
    before = await readFile(file, 'utf8')
  })
  afterAll(() => cluster[Symbol.asyncDispose]())

  const here = () => ['--data-dir', cluster.dataDir]
  const add = (name: string, binary: string) =>
    containerd('add', name, '--runtime-type', 'io.containerd.runc.v2', '--binary', binary, ...here())
  const pod = (name: string, runtimeClassName?: string) =>
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
      spec: {
        runtimeClassName,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'c', image: 'polypod.dev/busybox:1', command: ['sleep', 'infinity'] }],
      },
    })
  const runs = async (name: string) => {
    const seen = await cluster.kubectl([
      'get',
      'pod',
      name,
      '-o',
      'jsonpath={.status.phase} {.status.containerStatuses[0].containerID}',
    ])
    assert.match(seen, /^Running /)
    return seen
  }

  it('adds a handler, proves it, and running containers do not notice', async () => {
    await cluster.kubectl(['apply', '-f', '-'], pod('old'))
    const old = await eventually(() => runs('old'))
    const done = await add('second', 'runc')
    assert.deepEqual([done.code, done.stderr], [0, ''])
    assert.match(done.stdout, /containerd restarted; a sandbox of "second" started in \d+ ms\n$/)
    assert.equal(await runs('old'), old)
    const rc = { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'second' }, handler: 'second' }
    await cluster.kubectl(['apply', '-f', '-'], JSON.stringify(rc))
    await cluster.kubectl(['apply', '-f', '-'], pod('new', 'second'))
    await eventually(() => runs('new'), 60_000)
    const check = await containerd('check', '--kubeconfig', cluster.kubeconfig, ...here())
    assert.deepEqual([check.code, check.stderr], [0, ''])
  })

  it('puts all back when the handler runs nothing', async () => {
    const text = await readFile(file, 'utf8')
    const done = await add('broken', '/bin/false')
    assert.equal(done.code, 1)
    assert.match(done.stderr, /handler "broken" was not added: no sandbox: .*\/bin\/false.*; everything is as it was\n$/)
    assert.equal(await readFile(file, 'utf8'), text)
    await runs('new')
  })

  it('says what a new default leaves behind, and goes back', async () => {
    const text = await readFile(file, 'utf8')
    const type = ['--runtime-type', 'io.containerd.runc.v2', '--binary', 'runc']
    const done = await containerd('add', 'third', ...type, '--default', ...here())
    assert.match(
      done.stdout,
      /\n1 Pod without a RuntimeClass runs in a sandbox that is not of "third": .* as "third"; start such Pods anew\n$/,
    )
    const back = await containerd('remove', 'third', '--default', 'runc', ...here())
    assert.deepEqual([back.code, back.stderr, await readFile(file, 'utf8')], [0, '', text])
  })

  it('keeps what was added over a restart of the cluster', async () => {
    await cluster.down()
    const { code, stderr } = await cluster.up()
    assert.deepEqual([code, stderr], [0, ''])
    const shown = JSON.parse((await containerd('show', '-o', 'json', ...here())).stdout) as ShownConfig
    assert.deepEqual(
      shown.handlers.map(({ name }) => name),
      ['runc', 'second'],
    )
    await eventually(() => runs('new'), 60_000)
  })

  it('removes no handler that a Pod uses, and then does, byte for byte', async () => {
    const refused = await containerd('remove', 'second', ...here())
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /a Pod uses handler "second".*:\n {2}default\/new\n$/)
    await cluster.kubectl(['delete', 'pod', 'new'])
    const done = await eventually(async () => {
      const again = await containerd('remove', 'second', ...here())
      assert.equal(again.code, 0)
      return again
    })
    assert.match(done.stdout, /^removed handler "second"/)
    assert.equal(await readFile(file, 'utf8'), before)
  })
})
