// How long `polypod up` takes, first time and again, and what it weighs at rest. Runs the built CLI, as a user would.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { Namespace } from '../src/api/core/namespace.ts'
import { Node } from '../src/api/core/node.ts'
import { clientFromKubeconfig } from '../src/client/http.ts'
import { systemClock } from '../src/lib/clock.ts'
import { median } from '../src/lib/statistics.ts'

interface Row {
  what: string
  /** From process start to the first successful API answer; median. */
  firstAnswerMs: number
  /** To every node Ready; median. */
  readyMs: number
  /** Resident memory of the process, at rest. */
  rssMiB?: number | undefined
}

const restMs = 20_000

/** `polypod`: path of the command. Containers are used only as root. */
export async function run(polypod: string, rounds = 5): Promise<Row[]> {
  const modes = [['simulated', ['--simulated']] as const]
  if (process.getuid?.() === 0) modes.push(['containerd', []] as never)
  const rows: Row[] = []
  for (const [mode, flags] of modes) {
    const first: Times[] = []
    const again: Times[] = []
    let rssMiB: number | undefined
    for (let round = 0; round < rounds; round++) {
      const dir = await mkdtemp(join(tmpdir(), 'bench-start-'))
      first.push(await upAndDown(polypod, dir, flags))
      const last = round === rounds - 1
      const second = await upAndDown(polypod, dir, flags, last ? restMs : 0)
      again.push(second)
      rssMiB = second.rssMiB ?? rssMiB
      await finished(spawn(polypod, ['down', '--purge', '--data-dir', dir], { stdio: 'ignore' }))
      await rm(dir, { recursive: true, force: true })
    }
    rows.push({ what: `${mode}, first time`, ...medians(first) }, { what: `${mode}, again`, ...medians(again), rssMiB })
  }
  return rows
}

interface Times {
  firstAnswerMs: number
  readyMs: number
  rssMiB?: number | undefined
}

const medians = (times: readonly Times[]) => {
  const of = (key: 'firstAnswerMs' | 'readyMs') => Math.round(median(times.map((t) => t[key])))
  return { firstAnswerMs: of('firstAnswerMs'), readyMs: of('readyMs') }
}

async function upAndDown(polypod: string, dir: string, flags: readonly string[], rest = 0): Promise<Times> {
  await rm(join(dir, 'kubeconfig'), { force: true })
  const startedAt = performance.now()
  const child = spawn(polypod, ['up', '--data-dir', dir, '--port', '0', ...flags], { stdio: ['ignore', 'ignore', 'inherit'] })
  try {
    const client = await firstAnswer(join(dir, 'kubeconfig'))
    const firstAnswerMs = performance.now() - startedAt
    for (;;) {
      const { items } = await client.list(Node)
      const ready = items.filter((n) => n.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
      if (items.length > 0 && ready.length === items.length) break
      await systemClock.sleep(5)
    }
    const readyMs = performance.now() - startedAt
    await client.close()
    if (rest === 0) return { firstAnswerMs, readyMs }
    await systemClock.sleep(rest)
    return { firstAnswerMs, readyMs, rssMiB: await rssMiBOf(child.pid ?? 0) }
  } finally {
    child.kill('SIGTERM')
    await finished(child)
  }
}

async function firstAnswer(kubeconfig: string) {
  for (;;) {
    try {
      const client = await clientFromKubeconfig(kubeconfig)
      await client.get(Namespace, { name: 'default' })
      return client
    } catch {
      await systemClock.sleep(5)
    }
  }
}

const finished = async (child: ChildProcess) =>
  void (child.exitCode === null && child.signalCode === null && (await once(child, 'exit')))

async function rssMiBOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8')
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024)
}
