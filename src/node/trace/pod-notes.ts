// What cannot be read later, noted beside a Pod's files as it happens: when the kubelet did what, and how long it took.
import { appendFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import { podPaths } from '../pod-paths.ts'
import { parsed } from '../../lib/loose-json.ts'

/** One line of the file. */
export interface PodNote {
  /** AdmitPod: the kubelet saw it. PullImage: the image is there, pulled or not. The others are CRI's names. */
  what: 'AdmitPod' | 'RunPodSandbox' | 'PullImage' | 'CreateContainer' | 'StartContainer'
  /** Milliseconds since the epoch. */
  atMs: number
  tookMs: number
  /** Of the sandbox or container; absent when it failed. */
  id?: string | undefined
  /** As passed to CRI; of RunPodSandbox. */
  handler?: string | undefined
  /** The class it was resolved from. */
  runtimeClassName?: string | undefined
  /** Name of the container. */
  container?: string | undefined
  error?: string | undefined
}

const mostBytes = 128 * 1024

/** `<dataDir>/pods/<uid>/trace.jsonl` */
export const notesFileOf = (dataDir: string, uid: string): string => join(podPaths(dataDir, uid).dir, 'trace.jsonl')

/** Never rejects: a note is a courtesy. The file keeps its newer half when it grows too long. */
export async function note(dataDir: string, uid: string, said: PodNote): Promise<void> {
  const file = notesFileOf(dataDir, uid)
  const line = `${JSON.stringify(said)}\n`
  try {
    const { size } = await stat(file).catch(() => ({ size: 0 }))
    if (size === 0) await mkdir(dirname(file), { recursive: true })
    if (size < mostBytes) return await appendFile(file, line)
    const lines = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, `${lines.slice(lines.length / 2).join('\n')}${line}`)
  } catch {
    // a full disk must not keep a Pod from starting
  }
}

export interface NoteTaker {
  dataDir: string
  /** Of the Pod. */
  uid: string
  clock: Clock
  /** Nothing is noted of what is not real. */
  simulated: boolean
}

/** Does `work` and notes how long it took, whether it went well or not. */
export async function noted<T>(
  { dataDir, uid, clock, simulated }: NoteTaker,
  said: Omit<PodNote, 'atMs' | 'tookMs' | 'id' | 'error'>,
  work: () => Promise<T>,
): Promise<T> {
  if (simulated) return work()
  const atMs = clock.now()
  const took = () => ({ ...said, atMs, tookMs: clock.now() - atMs })
  try {
    const result = await work()
    await note(dataDir, uid, { ...took(), ...(typeof result === 'string' ? { id: result } : {}) })
    return result
  } catch (error) {
    await note(dataDir, uid, { ...took(), error: error instanceof Error ? error.message : String(error) })
    throw error
  }
}

/** Oldest first; empty when there are none. */
export async function podNotes(dataDir: string, uid: string): Promise<PodNote[]> {
  const text = await readFile(notesFileOf(dataDir, uid), 'utf8').catch(() => '')
  const lines = text.split('\n').map((line) => parsed(line))
  return lines.filter((line) => typeof line['what'] === 'string' && typeof line['atMs'] === 'number') as unknown as PodNote[]
}
