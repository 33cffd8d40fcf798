// Files the kubelet itself makes for a Pod: /etc/hosts and the termination message of each run of a container.
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Mount } from './cri/runtime.ts'
import { parseLogLine } from './cri/log-line.ts'
import { tailStart } from './log-tail.ts'
import { hostsText } from './pod-dns.ts'
import { podPaths } from './pod-paths.ts'

export interface PodFileOptions {
  dataDir: string
  podIPs: readonly string[]
  clusterDomain: string
}

const hostsPath = '/etc/hosts'

/** Writes <dataDir>/pods/<uid>/etc-hosts and returns its mount; undefined when the container mounts /etc/hosts itself. */
export async function etcHostsMount(pod: Pod, container: Container, options: PodFileOptions): Promise<Mount | undefined> {
  const { dataDir, podIPs, clusterDomain } = options
  if ((container.volumeMounts ?? []).some(({ mountPath }) => mountPath === hostsPath)) return undefined
  const { hostNetwork } = pod.spec
  // k8s: without an address yet there is nothing to manage
  if (podIPs.length === 0 && !hostNetwork) return undefined
  const path = podPaths(dataDir, pod.metadata.uid ?? '').etcHosts
  const hostText = hostNetwork ? await readFile(hostsPath, 'utf8').catch(() => '') : undefined
  const text = hostsText(pod, podIPs, { clusterDomain, hostText })
  await mkdir(dirname(path), { recursive: true, mode: 0o750 })
  // a running container holds the same file: it is written over, not replaced, and only when it says something else
  if ((await readFile(path, 'utf8').catch(() => undefined)) !== text) await writeFile(path, text, { mode: 0o644 })
  return { containerPath: hostsPath, hostPath: path, readonly: false, propagation: 'private' }
}

/** Makes a fresh empty termination message file for one run of a container, and its mount; undefined when there is no path. */
export async function terminationMount(pod: Pod, container: Container, dataDir: string): Promise<Mount | undefined> {
  const { name, terminationMessagePath = '' } = container
  if (terminationMessagePath === '') return undefined
  const folder = podPaths(dataDir, pod.metadata.uid ?? '').container(name)
  const path = join(folder, randomBytes(4).toString('hex'))
  await mkdir(folder, { recursive: true, mode: 0o750 })
  await writeFile(path, '')
  // k8s: whatever user the container runs as may write it, and the umask is not to matter
  await chmod(path, 0o666)
  return { containerPath: terminationMessagePath, hostPath: path, readonly: false, propagation: 'private' }
}

const maxMessageBytes = 4096
const maxLogBytes = 2048
const maxLogLines = 80

export interface EndedContainer {
  hostPath: string | undefined
  policy: string | undefined
  exitCode: number
  logPath: string | undefined
}

/**
 * The termination message of an ended container: the last 4096 bytes of the file at `hostPath`; with FallbackToLogsOnError and an
 * empty file and `exitCode` not 0, the tail of the log (2048 bytes, 80 lines). Never rejects.
 */
export async function terminationMessage({ hostPath, policy, exitCode, logPath }: EndedContainer): Promise<string> {
  const written = hostPath === undefined ? '' : await lastBytes(hostPath, maxMessageBytes).catch(readError)
  if (written !== '' || policy !== 'FallbackToLogsOnError' || exitCode === 0 || !logPath) return written
  return logEnd(logPath).catch((error: unknown) => `Error reading termination message from logs: ${(error as Error).message}`)
}

function readError(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'ENOENT' ? '' : `Error on reading termination log: ${message}`
}

async function lastBytes(path: string, bytes: number): Promise<string> {
  // opening anything else, such as a FIFO that the container put there, could wait for ever
  const found = await stat(path)
  if (!found.isFile()) return ''
  const file = await open(path)
  try {
    const length = Math.min(bytes, found.size)
    const buffer = Buffer.alloc(length)
    await file.read(buffer, 0, length, found.size - length)
    return buffer.toString('utf8')
  } finally {
    await file.close()
  }
}

async function logEnd(path: string): Promise<string> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const from = await tailStart(file, size, maxLogLines)
    const raw = Buffer.alloc(size - from)
    await file.read(raw, 0, raw.length, from)
    const text = raw.toString('latin1').split('\n').map(textOfLine).join('')
    return Buffer.from(text, 'latin1').subarray(-maxLogBytes).toString('utf8')
  } finally {
    await file.close()
  }
}

function textOfLine(line: string): string {
  const parsed = parseLogLine(Buffer.from(line, 'latin1'))
  return parsed ? parsed.text.toString('latin1') + (parsed.partial ? '' : '\n') : ''
}
