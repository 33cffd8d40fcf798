// polypod measure on real containers: twice the same, kept as an object, written into the class, and nothing of it left behind.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { MeasuredHandler } from '../../src/cli/measure.ts'
import { nanoOf } from '../../src/api/quantity.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, polypod, polypodPath, whyNoContainers } from './polypod.ts'

const why = await whyNoContainers()

const mebibytes = (quantity: string): number => Number(nanoOf(quantity) / 1_000_000_000n) / 2 ** 20

describe.skipIf(why !== undefined)(`polypod measure${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: CliCluster
  let handlers: string[]
  beforeAll(async () => {
    cluster = await cliCluster([])
    handlers = (await cluster.status()).nodes[0]?.handlers ?? []
  }, 60_000)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

  async function measured(...flags: string[]): Promise<MeasuredHandler[]> {
    const { code, stdout, stderr } = await polypod('measure', '-o', 'json', '--data-dir', cluster.dataDir, ...flags)
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as MeasuredHandler[]
  }
  const sandboxOf = (found: MeasuredHandler[]) =>
    new Map(found.map(({ handler, measurement }) => [handler, mebibytes(measurement?.status.memory?.sandbox.mean ?? '0')]))

  it('comes to the same memory twice, and to what is plausible', async () => {
    // gVisor, where it is: its number is known
    const chosen = ['runc', ...handlers.filter((name) => name === 'gvisor')]
    const flags = ['--handler', chosen.join(','), '--pods', '4', '--rounds', '1']
    const [once, again] = [sandboxOf(await measured(...flags)), sandboxOf(await measured(...flags))]
    assert.deepEqual([...once.keys()], chosen)
    for (const [handler, first] of once) {
      const second = again.get(handler) ?? 0
      assert.ok(Math.abs(first - second) <= 0.15 * first, `${handler}: ${first}Mi and ${second}Mi`)
      // runc: a shim in Go and a pause program; gVisor: 19 to 60 MB
      const [least, most] = handler === 'gvisor' ? [18, 60] : [1, 30]
      assert.ok(first > least && first < most, `${handler}: ${first}Mi`)
    }
  }, 180_000)

  it('keeps machine, methods, steps and reasons in an object that kubectl prints', async () => {
    const [found] = await measured('--handler', 'runc', '--pods', '2', '--rounds', '2')
    const name = found?.measurement?.metadata.name ?? ''
    const object = await cluster.kubectl(['get', 'handlermeasurement', '-n', 'polypod-system', name, '-o', 'json'])
    const stored = JSON.parse(object) as NonNullable<MeasuredHandler['measurement']>
    assert.deepEqual(stored.status, found?.measurement?.status)
    const { pods, rounds, machine, memory, start, idleCpu, recommended } = stored.status
    assert.deepEqual([pods, rounds, memory?.sandbox.samples, start?.total.samples, idleCpu?.samples], [2, 2, 4, 4, 4])
    assert.ok((machine?.cpus ?? 0) > 0 && machine?.containerRuntime.startsWith('containerd://'), JSON.stringify(machine))
    // the pause program lies in the cgroup, the shim does not
    assert.ok(
      mebibytes(memory?.podCgroup.mean ?? '0') > 0 && mebibytes(memory?.processesOutside.mean ?? '0') > 1,
      JSON.stringify(memory),
    )
    const steps = [start?.runPodSandbox, start?.createContainer, start?.startContainer].map((step) => step?.meanMs ?? 0)
    assert.ok(steps.every((ms) => ms > 0) && Math.abs(steps.reduce((a, b) => a + b, 0) - (start?.total.meanMs ?? 0)) <= 3)
    assert.ok(mebibytes(recommended?.podFixed.memory ?? '0') >= mebibytes(memory?.sandbox.mean ?? '0'))
    const columns = (await cluster.kubectl(['get', 'hm', '-n', 'polypod-system'])).split('\n')[0]?.trim().split(/ {2,}/)
    assert.deepEqual(columns, ['NAME', 'MEMORY', 'IDLE CPU', 'START P50', 'START P99', 'RECOMMENDED', 'MEASURED'])
  }, 120_000)

  it('writes the overhead into the class, which then counts', async () => {
    const apply = ['--handler', 'runc', '--pods', '1', '--rounds', '1', '--apply']
    const [made] = await measured(...apply)
    assert.match(made?.applied ?? '', /^made RuntimeClass runc with /)
    await cluster.kubectl([
      'patch',
      'runtimeclass',
      'runc',
      '--type=merge',
      '-p',
      '{"overhead":{"podFixed":{"memory":"1Gi","cpu":"1"}}}',
    ])
    const [changed] = await measured(...apply)
    assert.deepEqual(changed?.declared, [{ class: 'runc', podFixed: { cpu: '1', memory: '1Gi' } }])
    assert.match(changed?.applied ?? '', /^RuntimeClass runc now declares .* \(before: cpu=1,memory=1Gi\)$/)
    const { overhead } = JSON.parse(await cluster.kubectl(['get', 'runtimeclass', 'runc', '-o', 'json'])) as {
      overhead: unknown
    }
    assert.deepEqual(overhead, { podFixed: changed?.measurement?.status.recommended?.podFixed })
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { runtimeClassName: 'runc', containers: [] } }
    const container = { name: 'main', image: 'polypod.dev/busybox:1', command: ['sleep', 'infinity'] }
    const input = JSON.stringify({ ...pod, spec: { ...pod.spec, containers: [container] } })
    const given = await cluster.kubectl(['create', '--dry-run=server', '-f', '-', '-o', 'jsonpath={.spec.overhead}'], input)
    assert.deepEqual(JSON.parse(given), changed?.measurement?.status.recommended?.podFixed)
  }, 120_000)

  it('is watched afterwards: a class that declares far more than its Pods use is told of', async () => {
    const container = { name: 'main', image: 'polypod.dev/busybox:1', command: ['sleep', 'infinity'] }
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'watched' },
      spec: { runtimeClassName: 'runc', containers: [container] },
    }
    await cluster.kubectl(['create', '-f', '-'], JSON.stringify(object))
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/watched', '--timeout=60s'])
    await cluster.kubectl(['patch', 'runtimeclass', 'runc', '--type=merge', '-p', '{"overhead":{"podFixed":{"memory":"200Mi"}}}'])
    const event = await eventually(async () => {
      const said = await cluster.kubectl([
        'get',
        'events',
        '--field-selector=reason=OverheadOverstated',
        '-o',
        'jsonpath={.items[*].message}',
      ])
      return said === '' ? undefined : said
    }, 60_000)
    assert.match(event, /^overhead declares 200Mi, sandboxes of 1 Pod use \d+Mi on average .* nodes could hold more/)
    const metrics = await cluster.kubectl(['get', '--raw', '/metrics'])
    assert.match(metrics, /^polypod_overhead_declared_memory_bytes\{runtimeclass="runc"\} 209715200$/m)
    assert.match(metrics, /^polypod_overhead_measured_memory_bytes\{runtimeclass="runc"\} [1-9]\d+$/m)
    assert.match(metrics, /^polypod_overhead_drift\{runtimeclass="runc",drift="overstated"\} 1$/m)
    await cluster.kubectl(['delete', 'pod', 'watched', '--grace-period=1'])
  }, 120_000)

  it('says what cannot be, and leaves nothing behind', async () => {
    const wrong = await polypod('measure', '--handler', 'nope', '--data-dir', cluster.dataDir)
    assert.equal(wrong.code, 1)
    assert.match(wrong.stderr, /^polypod: no handler nope on this node: it has .*runc/)
    assert.deepEqual(await remains(), [])
  })

  it('can be interrupted: nothing is kept, and nothing is left', async () => {
    const args = ['measure', '--handler', 'runc', '--pods', '50', '--rounds', '5', '-o', 'json', '--data-dir', cluster.dataDir]
    const before = await cluster.kubectl(['get', 'hm', '-n', 'polypod-system', '-o', 'jsonpath={.items[*].status.measuredAt}'])
    const child = spawn(polypodPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [output] = [text(child.stdout), text(child.stderr)]
    await eventually(async () => (await remains()).length > 2, 30_000)
    child.kill('SIGINT')
    const [code] = (await once(child, 'exit')) as [number | null]
    assert.equal(code, 1)
    assert.deepEqual(
      (JSON.parse(await output) as MeasuredHandler[]).map(({ failed }) => failed),
      ['interrupted'],
    )
    const after = await cluster.kubectl(['get', 'hm', '-n', 'polypod-system', '-o', 'jsonpath={.items[*].status.measuredAt}'])
    assert.deepEqual([after, await remains()], [before, []])
    assert.ok(!(await readdir(cluster.dataDir)).includes('measure-logs'))
  }, 90_000)

  it('leaves nothing behind that `down` does not take away, even when it is killed', async () => {
    const args = ['measure', '--handler', 'runc', '--pods', '50', '--data-dir', cluster.dataDir]
    const child = spawn(polypodPath, args, { stdio: 'ignore' })
    await eventually(async () => (await remains()).length > 2, 30_000)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.ok((await remains()).length > 0)
    const { code, stderr } = await cluster.down()
    assert.equal(code, 0, stderr)
    assert.deepEqual(await remains(), [])
  }, 90_000)
})

/** Cgroups of Pods that are measured, and processes in them. */
async function remains(): Promise<string[]> {
  const files = (await readdir('/proc')).map((pid) => readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => ''))
  const processes = (await Promise.all(files)).filter((cgroups) => cgroups.includes('podmeasure-'))
  const folders = await readdir('/sys/fs/cgroup/memory').catch(() => readdir('/sys/fs/cgroup'))
  return [...processes, ...folders.filter((name) => /^polypod.*measure/.test(name))]
}
