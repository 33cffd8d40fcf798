// Which table of containerd's configuration names a handler: the file containerd was started with (or one it imports), and the line.
import { readFile, stat } from 'node:fs/promises'
import { runtimeTable } from '../../containerd/effective-config.ts'
import type { Version } from '../../containerd/version.ts'
import { defaultConfigPath, readContainerdConfig } from '../containerd/config-files.ts'
import { flagOf, listenerOf, processFacts } from './process.ts'

/** Places are `file:line`, lines from 1. */
export interface ConfigTable {
  /** The one that holds the table; where none does, the one containerd was started with. */
  file: string
  /** Of the table's head; absent when no table names the handler (the built-in `runc`). */
  line?: number | undefined
  /** As written: `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]` */
  table?: string | undefined
  runtimeType?: string | undefined
  /** What makes it the default; only when the Pod named no handler. */
  byDefault?: { file: string; line: number } | undefined
  /** The handler that was looked up; the default one when the Pod named none. */
  handler: string
  containerd: { pid: number; path: string; startedAtMs: number }
  /** The file is newer than containerd's start: what runs may not be what it says. */
  changedSince?: boolean | undefined
  /** Why the file could not be read. */
  unread?: string | undefined
}

/** Start times of processes are known to about 10 ms, and our containerd is started right after its file is written. */
const clockSlackMs = 1000

/** `socket`: containerd's own, of any of its services. Undefined when no containerd listens there or it may not be seen. */
export async function configTable(
  socket: string,
  asked: string,
  nowMs: number,
  version?: Version,
): Promise<ConfigTable | undefined> {
  const pid = await listenerOf(socket, ['containerd'])
  const facts = pid === undefined ? undefined : await processFacts(pid, nowMs)
  if (!facts) return undefined
  const given = flagOf(facts.argv, 'config') ?? flagOf(facts.argv, 'c') ?? defaultConfigPath
  const found = await tableIn(given, asked, version)
  const { exe, argv, startedAtMs } = facts
  const modifiedAtMs = await stat(found.file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
  return {
    ...found,
    containerd: { pid: facts.pid, path: exe ?? argv[0] ?? '', startedAtMs },
    ...(modifiedAtMs > startedAtMs + clockSlackMs ? { changedSince: true } : {}),
  }
}

/** What the files of `path` say of a handler, "" being the default one; never rejects. */
export async function tableIn(
  path: string,
  asked: string,
  version?: Version,
): Promise<Omit<ConfigTable, 'containerd' | 'changedSince'>> {
  try {
    const config = await readContainerdConfig(path, version)
    const entry = runtimeTable(config, asked)
    const place = entry?.place
    return {
      ...{ file: place?.file ?? path, line: place?.line, table: place && (await lineOf(place)), runtimeType: entry?.runtimeType },
      handler: asked === '' ? config.defaultName : asked,
      ...(asked === '' && config.defaultPlace ? { byDefault: config.defaultPlace } : {}),
    }
  } catch (error) {
    const unread = error instanceof Error ? error.message : String(error)
    return { file: path, handler: asked === '' ? 'runc' : asked, unread }
  }
}

const lineOf = async ({ file, line }: { file: string; line: number }): Promise<string | undefined> =>
  (await readFile(file, 'utf8')).split('\n')[line - 1]?.trim()
