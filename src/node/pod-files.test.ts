import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import type { Container } from '../api/core/container.ts'
import { cases } from '../testing/cases.ts'
import { etcHostsMount, terminationMessage, terminationMount } from './pod-files.ts'
import { samplePodWith } from './sample-pod.ts'

let dataDir = ''
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'pod-files-'))
})
afterEach(() => rm(dataDir, { recursive: true }))

function podOf(fields: object = {}, spec: Record<string, unknown> = {}) {
  const pod = samplePodWith({ ...fields }, spec)
  return { pod, container: pod.spec.containers[0] as Container }
}

describe('etcHostsMount', () => {
  const options = () => ({ dataDir, podIPs: ['10.244.0.2'], clusterDomain: 'cluster.local' })
  it('writes the file once and mounts it', async () => {
    const { pod, container } = podOf()
    const hostPath = join(dataDir, 'pods/uid-1/etc-hosts')
    const want = { containerPath: '/etc/hosts', hostPath, readonly: false, propagation: 'private' }
    assert.deepEqual(await etcHostsMount(pod, container, options()), want)
    const { ino, mtimeMs } = await stat(hostPath)
    await etcHostsMount(pod, container, options())
    assert.deepEqual([(await stat(hostPath)).ino, (await stat(hostPath)).mtimeMs], [ino, mtimeMs])
    assert.match(await readFile(hostPath, 'utf8'), /^# Kubernetes-managed hosts file\.\n.*10\.244\.0\.2\tweb\n$/s)
    await etcHostsMount(pod, container, { ...options(), podIPs: ['10.244.0.3'] })
    assert.equal((await stat(hostPath)).ino, ino)
    assert.match(await readFile(hostPath, 'utf8'), /10\.244\.0\.3\tweb\n$/)
  })
  it('leaves it to a container that mounts its own', async () => {
    const { pod, container } = podOf({ volumeMounts: [{ name: 'v', mountPath: '/etc/hosts' }] })
    assert.equal(await etcHostsMount(pod, container, options()), undefined)
  })
  it("starts from the machine's own on the host's network", async () => {
    const { pod, container } = podOf({}, { hostNetwork: true })
    const mount = await etcHostsMount(pod, container, { ...options(), podIPs: [] })
    const own = await readFile('/etc/hosts', 'utf8')
    assert.equal(
      await readFile(mount?.hostPath ?? '', 'utf8'),
      `# Kubernetes-managed hosts file (host network).\n${own.replace(/\n$/, '')}\n`,
    )
  })
})

describe('terminationMount', () => {
  it('makes a file of its own for each run, for anybody to write', async () => {
    const { pod, container } = podOf()
    const [one, other] = [await terminationMount(pod, container, dataDir), await terminationMount(pod, container, dataDir)]
    assert.equal(one?.containerPath, '/dev/termination-log')
    assert.notEqual(one?.hostPath, other?.hostPath)
    assert.equal((await stat(one?.hostPath ?? '')).mode & 0o777, 0o666)
  })
})

describe('terminationMessage', () => {
  const stamp = '2024-01-01T00:00:00.000000000Z'
  const log = (lines: number, text: (i: number) => string) =>
    Array.from({ length: lines }, (_, i) => `${stamp} stdout F ${text(i)}\n`).join('')
  const last80 = Array.from({ length: 80 }, (_, i) => `${i + 20}\n`).join('')
  const fallback = { policy: 'FallbackToLogsOnError', exitCode: 1 }
  cases(
    [
      { name: 'reads the file', file: 'done', log: 'x', policy: 'File', exitCode: 1, want: 'done' },
      {
        name: 'reads the end of a long file',
        file: `a${'b'.repeat(4096)}`,
        log: '',
        policy: 'File',
        exitCode: 0,
        want: 'b'.repeat(4096),
      },
      { name: 'is empty when nothing was written', file: '', log: log(1, () => 'x'), policy: 'File', exitCode: 1, want: '' },
      { name: 'prefers the file to the log', file: 'f', log: log(1, () => 'x'), ...fallback, want: 'f' },
      { name: 'falls back to the last 80 lines of the log', file: '', log: log(100, String), ...fallback, want: last80 },
      {
        name: 'falls back to 2048 bytes of the log',
        file: '',
        log: log(40, () => 'ä'.repeat(50)),
        ...fallback,
        want: Buffer.from(`${'ä'.repeat(50)}\n`.repeat(40))
          .subarray(-2048)
          .toString(),
      },
      { name: 'joins a line in parts', file: '', log: `${stamp} stdout P a\n${stamp} stdout F b\n`, ...fallback, want: 'ab\n' },
      {
        name: 'does not fall back after success',
        file: '',
        log: log(1, () => 'x'),
        policy: fallback.policy,
        exitCode: 0,
        want: '',
      },
    ],
    async ({ file, log: text, policy, exitCode, want }) => {
      const [hostPath, logPath] = [join(dataDir, 'message'), join(dataDir, 'log')]
      await Promise.all([writeFile(hostPath, file), writeFile(logPath, text)])
      assert.equal(await terminationMessage({ hostPath, logPath, policy, exitCode }), want)
    },
  )
  it('is empty when the file is gone, and says why when the log is', async () => {
    const [hostPath, logPath] = [join(dataDir, 'gone'), join(dataDir, 'gone-too')]
    assert.equal(await terminationMessage({ hostPath, logPath, policy: 'File', exitCode: 1 }), '')
    assert.match(
      await terminationMessage({ hostPath, logPath, ...fallback }),
      /^Error reading termination message from logs: ENOENT/,
    )
  })
})
