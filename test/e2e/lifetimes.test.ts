// Clusters in the foreground and side by side: signals end one cleanly and leave the other alone.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { instancePaths } from '../../src/node/containerd/instance-paths.ts'
import { cases } from '../../src/testing/cases.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { type CliCluster, cliCluster, type Done, polypod, polypodPath, run, whyNoContainers } from './polypod.ts'
import { tracesOf, withRuntime } from './traces.ts'

const why = await whyNoContainers()
const skipped = why ? ` (skipped: ${why})` : ''

interface Foreground {
  /** Everything said so far. */
  said(): string
  signal(name: NodeJS.Signals): void
  ended: Promise<Done>
}

/** `polypod up` in a data directory of its own, as a terminal has it. */
function foreground(dataDir: string, ...flags: string[]): Foreground {
  const child = spawn(polypodPath, ['up', '--data-dir', dataDir, '--port', '0', ...flags])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()))
  child.stderr.on('data', (part: Buffer) => (stderr += part.toString()))
  const ended = new Promise<Done>((resolve) => child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr })))
  return { said: () => stdout, signal: (name) => void child.kill(name), ended }
}

async function inFolder(use: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'polypod-e2e-'))
  try {
    await use(dataDir)
  } finally {
    await polypod('down', '--purge', '--data-dir', dataDir)
    await rm(dataDir, { recursive: true, force: true })
  }
}

const pod = `apiVersion: v1
kind: Pod
metadata: { name: main }
spec:
  terminationGracePeriodSeconds: 1
  containers: [{ name: main, image: 'polypod.dev/busybox:1', command: [sleep, infinity] }]
`
const runPod = async (kubeconfig: string) => {
  const { code, stderr } = await run('kubectl', ['--kubeconfig', kubeconfig, 'apply', '-f', '-'], { input: pod })
  assert.equal(code, 0, stderr)
  const wait = await run('kubectl', ['--kubeconfig', kubeconfig, 'wait', '--for=condition=Ready', '--timeout=60s', 'pod/main'])
  assert.equal(wait.code, 0, wait.stderr)
}
const containerId = (cluster: CliCluster) =>
  cluster.kubectl(['get', 'pod', 'main', '-o', 'jsonpath={.status.phase} {.status.containerStatuses[0].containerID}'])
const nothingLeft = (dataDir: string) =>
  eventually(async () => {
    assert.deepEqual(await tracesOf(dataDir), [])
    return true
  })

describe('up in the foreground, simulated', () => {
  cases(
    (['SIGINT', 'SIGTERM', 'SIGHUP'] as const).map((signal) => ({ name: `is stopped by ${signal}`, signal })),
    (row) =>
      inFolder(async (dataDir) => {
        const up = foreground(dataDir, '--simulated')
        await eventually(() => up.said().includes('Ready after'))
        up.signal(row.signal)
        const { code, stderr } = await up.ended
        assert.deepEqual([code, stderr], [0, ''])
        assert.deepEqual(await tracesOf(dataDir), [])
      }),
  )
})

describe.skipIf(why !== undefined)(`up on containerd${skipped}`, () => {
  it('ends cleanly by SIGINT, and leaves the cluster beside it alone', async () => {
    await using beside = await cliCluster(['--handlers', 'runc'])
    await inFolder(async (dataDir) => {
      const up = foreground(dataDir, '--handlers', 'runc')
      await Promise.all([eventually(() => up.said().includes('Ready after'), 30_000), runPod(beside.kubeconfig)])
      await runPod(join(dataDir, 'kubeconfig'))
      const before = await containerId(beside)
      up.signal('SIGINT')
      const { code, stderr } = await up.ended
      assert.deepEqual([code, stderr], [0, ''])
      await nothingLeft(dataDir)
      assert.match(before, /^Running /)
      assert.equal(await containerId(beside), before)
      const [container] = await withRuntime(instancePaths(beside.dataDir).socket, (runtime) => runtime.listContainers({}))
      assert.equal(container?.state, 'running')
    })
  }, 120_000)

  it('starts although containerd is killed meanwhile, and is stopped by SIGTERM while it starts', async () => {
    await inFolder(async (dataDir) => {
      const up = foreground(dataDir, '--handlers', 'runc')
      const { process: file } = instancePaths(dataDir)
      const pid = await eventually(async () => (JSON.parse(await readFile(file, 'utf8')) as { pid: number }).pid)
      process.kill(pid, 'SIGKILL')
      await eventually(() => up.said().includes('Ready after'), 30_000)
      await runPod(join(dataDir, 'kubeconfig'))
      up.signal('SIGTERM')
      assert.equal((await up.ended).code, 0)
      await nothingLeft(dataDir)
      const again = foreground(dataDir, '--handlers', 'runc')
      await eventually(() => again.said().includes('data in'))
      again.signal('SIGTERM')
      assert.equal((await again.ended).code, 0)
      await nothingLeft(dataDir)
    })
  }, 120_000)

  it('leaves nothing running when it fails after containerd has started', async () => {
    await inFolder(async (dataDir) => {
      const bin = join(dataDir, 'bin')
      await mkdir(bin)
      await writeFile(join(bin, 'ctr'), '#!/bin/sh\necho "ctr: no" >&2; exit 1\n', { mode: 0o755 })
      const args = ['up', '--data-dir', dataDir, '--port', '0', '--handlers', 'runc']
      const { code, stderr } = await run(polypodPath, args, { env: { PATH: `${bin}:${process.env['PATH']}` } })
      assert.match(stderr, /^polypod: [^\n]*ctr: no[^\n]*\n$/)
      assert.equal(code, 6)
      assert.deepEqual(await tracesOf(dataDir), [])
    })
  }, 60_000)
})
