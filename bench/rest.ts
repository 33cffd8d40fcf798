// What a large simulated cluster costs while nothing happens: nodes that renew their leases, Pods that run, all in one process.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Pod } from '../src/api/core/pod.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { systemClock } from '../src/lib/clock.ts'
import { createAndWatch } from '../src/testing/watch-pods.ts'

export interface RestBenchOptions {
  /** Path of the command. */
  polypod: string
  /** Nodes and Pods of each cluster. */
  sizes?: readonly (readonly [nodes: number, pods: number])[] | undefined
}

interface Row {
  nodes: number
  pods: number
  /** From process start to every node Ready. */
  readySeconds: number
  /** From the first create to the last Pod Running. */
  runningSeconds: number
  /** Resident memory at rest. */
  rssMiB: number
  /** Of one processor, at rest. */
  cpuPercent: number
}

const sizesAsked = [
  [100, 1000],
  [1000, 10_000],
  [5000, 50_000],
] as const
/** Until what was started has come to rest, and how long it is looked at then: several turns of everything periodic. */
const [settleMs, lookMs] = [30_000, 60_000]
const atOnce = 128

export async function run({ polypod, sizes = sizesAsked }: RestBenchOptions): Promise<Row[]> {
  const rows: Row[] = []
  for (const [nodes, pods] of sizes) rows.push(await measure(polypod, nodes, pods))
  return rows
}

async function measure(polypod: string, nodes: number, pods: number): Promise<Row> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-rest-'))
  const cli = (...args: string[]) =>
    spawnSync(polypod, [...args, '--data-dir', dir], { encoding: 'utf8', maxBuffer: 64 * 1024 ** 2 })
  try {
    const startedAt = performance.now()
    const up = cli('up', '--detach', '--simulated', '--nodes', String(nodes), '--port', '0')
    if (up.status !== 0) throw new Error(up.stderr.trim())
    const readySeconds = secondsSince(startedAt)
    const { kubeconfig, pid } = JSON.parse(cli('status', '-o', 'json').stdout) as { kubeconfig: string; pid: number }
    const client = await clientFromKubeconfig(kubeconfig)
    const made = Array.from({ length: pods }, (_, i) => podOf(i))
    const until = ({ status }: Pod) => status.phase === 'Running'
    const runningAt = await createAndWatch(client, made, { where: { namespace: 'default' }, atOnce, until })
    const runningSeconds = Math.round((runningAt.at(-1) ?? 0) / 100) / 10
    await client.close()
    await systemClock.sleep(settleMs)
    const before = await cpuSeconds(pid)
    await systemClock.sleep(lookMs)
    const cpuPercent = Math.round((((await cpuSeconds(pid)) - before) / (lookMs / 1000)) * 100)
    return { nodes, pods, readySeconds, runningSeconds, rssMiB: await rssMiB(pid), cpuPercent }
  } finally {
    cli('down', '--purge')
    await rm(dir, { recursive: true, force: true })
  }
}

const podOf = (i: number): Pod =>
  ({
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: `rest-${i}`, namespace: 'default' } },
    spec: { containers: [{ name: 'main', image: 'polypod.dev/busybox:1' }] },
    // defaults and status are the server's to fill in
  }) as unknown as Pod

const secondsSince = (startedAt: number): number => Math.round((performance.now() - startedAt) / 100) / 10

/** User and system time of the process so far. */
async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / 100
}

async function rssMiB(pid: number): Promise<number> {
  const kib = /^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Math.round(Number(kib) / 1024)
}
