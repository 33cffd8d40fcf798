// What goes wrong around the API server: lost history, clients that do not read, a full disk, broken files.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import type { Client } from '../../src/client/client.ts'
import { clientFromKubeconfig } from '../../src/client/http.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { memoryStore } from '../../src/store/memory.ts'
import { ask, startTestServer } from './http-server.ts'
import { cliCluster, polypod } from './polypod.ts'

const mounts = process.platform === 'linux' && process.getuid?.() === 0
const maps = '/api/v1/namespaces/default/configmaps'

describe('a watch over HTTP', () => {
  it('from a compacted revision is told 410 Expired in an ERROR event, and ends', async () => {
    const store = memoryStore()
    for (const n of [0, 1, 2]) await store.set(`/registry/configmaps/default/${n}`, 0, configMap(String(n)))
    await store.compact(3)
    await using server = await startTestServer({ store })
    const { code, headers, text } = await ask(server, `${maps}?watch=1&resourceVersion=1`)
    const object = {
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure' },
      ...{ message: 'too old resource version: 1 (3)', reason: 'Expired', code: 410 },
    }
    assert.deepEqual([code, headers['content-type']], [200, 'application/json'])
    assert.equal(text, `${JSON.stringify({ type: 'ERROR', object })}\n`)
  })
})

const configMap = (name: string, text = '') =>
  Buffer.from(JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'default' }, data: { text } }))

const proc = process.platform === 'linux'
describe.skipIf(!proc)(`clients that stop reading a watch${proc ? '' : ' (skipped: needs /proc of Linux)'}`, () => {
  it('cost others neither memory nor their changes', async () => {
    await using cluster = await cliCluster(['--simulated'])
    const config = await readFile(cluster.kubeconfig, 'utf8')
    const pem = (field: string) => Buffer.from(new RegExp(`${field}-data: (\\S+)`).exec(config)?.[1] ?? '', 'base64').toString()
    const tls = { ca: pem('certificate-authority'), cert: pem('client-certificate'), key: pem('client-key') }
    const port = Number(new URL((await cluster.status()).url ?? '').port)
    const sockets = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = connect({ host: '127.0.0.1', port, ...tls })
        socket.on('error', () => undefined)
        socket.write(`GET ${maps}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n`)
        // the head has come; the rest is never taken
        await once(socket, 'readable')
        return socket
      }),
    )
    const client = await clientFromKubeconfig(cluster.kubeconfig)
    try {
      const made = ConfigMap.decode({ metadata: { name: 'big', namespace: 'default' } }, { unknown: [] })
      const { metadata } = await client.create(ConfigMap, made)
      const reading = textsSeen(client, metadata.resourceVersion ?? '', '119')
      const { pid = 0 } = await cluster.status()
      const before = await anonymousBytes(pid)
      for (let i = 0; i < 120; i++) {
        const body = { data: { text: `${i}`.padEnd(500_000, 'x') } }
        await client.patch(ConfigMap, { namespace: 'default', name: 'big' }, { type: 'merge', body })
      }
      // 60 MB were written; held for each client they would be 1.2 GB
      const grown = (await anonymousBytes(pid)) - before
      assert.ok(grown < 300 * 1024 ** 2, `${Math.round(grown / 1024 ** 2)} MiB`)
      // who reads beside them misses nothing
      assert.deepEqual(
        await reading,
        Array.from({ length: 120 }, (_, i) => `${i}`),
      )
    } finally {
      for (const socket of sockets) socket.destroy()
      await client.close()
    }
  })
})

/** The number at the front of `data.text` in each change after `since`, up to `last`. */
async function textsSeen(client: Client, since: string, last: string): Promise<string[]> {
  const seen: string[] = []
  const stop = new AbortController()
  for await (const change of client.watch(ConfigMap, since, { namespace: 'default', signal: stop.signal })) {
    if (change.type === 'BOOKMARK' || change.object.metadata.name !== 'big') continue
    seen.push(/^\d+/.exec(change.object.data?.['text'] ?? '')?.[0] ?? '')
    if (seen.at(-1) === last) break
  }
  stop.abort()
  return seen
}

/** What a process has for itself, without files it maps. */
async function anonymousBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}

describe.skipIf(!mounts)(`a full data disk${mounts ? '' : ' (skipped: a small tmpfs needs root on Linux)'}`, () => {
  let disk: string
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), 'polypod-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk])
  })
  afterEach(async () => {
    execFileSync('umount', [disk])
    await rm(disk, { recursive: true })
  })
  const fill = () => assert.throws(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(20 * 1024 ** 2)), { code: 'ENOSPC' })

  it('refuses writes with the cause, goes on with the rest, and loses nothing', async () => {
    await using cluster = await cliCluster(['--simulated'], 'kubectl', disk)
    const text = join(disk, 'text')
    await writeFile(text, 'x'.repeat(200_000))
    const create = (name: string) => cluster.kubectl(['create', 'configmap', name, `--from-file=${text}`])
    await create('before')
    const watching = spawn('kubectl', ['--kubeconfig', cluster.kubeconfig, 'get', 'configmaps', '-w', '-o', 'name'])
    let seen = ''
    const kept: string[] = []
    watching.stdout.on('data', (part: Buffer) => (seen += part.toString()))
    try {
      await eventually(() => seen.includes('before'))
      fill()
      const why = /Internal error occurred: the store has no space left on device, so nothing was written/
      // the store took some room beforehand
      const until = async () => {
        for (let i = 0; i < 30; i++) kept.push((await create(`kept-${i}`)).split('/')[1]?.split(' ')[0] ?? '')
      }
      await assert.rejects(until(), why)
      await assert.rejects(create('refused'), why)
      await assert.rejects(cluster.kubectl(['annotate', 'configmap', 'before', `a=${'x'.repeat(100_000)}`]), why)
      const { running, problem, nodes } = await cluster.status()
      assert.deepEqual([running, problem, nodes.map((node) => node.ready)], [true, undefined, [true]])
      assert.equal(await cluster.kubectl(['get', 'configmap', 'before', '-o', 'name']), 'configmap/before\n')
      // the node cannot say that it lives, and its log cannot say so either
      await sleep(11_000)
      await assert.rejects(create('refused'), why)
      await rm(join(disk, 'filler'))
      await create('after')
      await eventually(() => seen.includes('after'))
      assert.equal(seen.includes('refused'), false)
    } finally {
      watching.kill()
    }
    process.kill((await cluster.status()).pid ?? 0, 'SIGKILL')
    assert.equal((await cluster.up()).code, 0)
    const names = (await cluster.kubectl(['get', 'configmaps', '-o', 'name'])).trim().split('\n')
    assert.deepEqual(
      names,
      ['after', 'before', 'kube-root-ca.crt', ...kept].toSorted().map((name) => `configmap/${name}`),
    )
  })

  it('is named by up, and does not keep down from stopping', async () => {
    await using cluster = await cliCluster(['--simulated'], 'kubectl', disk)
    fill()
    const { code, stdout } = await cluster.down()
    assert.deepEqual([code, stdout.slice(0, 7)], [0, 'stopped'])
    await rm(join(disk, 'filler'))
    fill()
    const before = await readdir(cluster.dataDir)
    const up = await cluster.up()
    assert.deepEqual([up.code, up.stderr.trim().split('\n').length], [1, 1])
    assert.match(up.stderr, /^polypod: [^\n]*no space left/)
    assert.deepEqual(await readdir(cluster.dataDir), before)
    const fresh = await polypod('up', '--simulated', '--port', '0', '--data-dir', join(disk, 'fresh'))
    assert.deepEqual([fresh.code, /^polypod: [^\n]*no space left[^\n]*\n$/.test(fresh.stderr)], [1, true], fresh.stderr)
    await rm(join(disk, 'filler'))
    assert.equal((await cluster.up()).code, 0)
  })
})
