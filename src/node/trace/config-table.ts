// Which table of containerd's configuration names a handler: the file containerd was started with, and the line.
import { readFile, stat } from 'node:fs/promises'
import { flagOf, listenerOf, processFacts } from './process.ts'

export interface ConfigTable {
  file: string
  /** Of the table's head, from 1; absent when no table in the file names the handler (the built-in `runc`). */
  line?: number | undefined
  /** As written: `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]` */
  table?: string | undefined
  runtimeType?: string | undefined
  /** Of the line that makes it the default; only when the Pod named no handler. */
  defaultLine?: number | undefined
  /** The handler that was looked up; the default one when the Pod named none. */
  handler: string
  containerd: { pid: number; path: string; startedAtMs: number }
  /** The file is newer than containerd's start: what runs may not be what it says. */
  changedSince?: boolean | undefined
}

const defaultConfig = '/etc/containerd/config.toml'
/** Start times of processes are known to about 10 ms, and our containerd is started right after its file is written. */
const clockSlackMs = 1000

/** `socket`: containerd's own, of any of its services. Undefined when no containerd listens there or it may not be seen. */
export async function configTable(socket: string, asked: string, nowMs: number): Promise<ConfigTable | undefined> {
  const pid = await listenerOf(socket, ['containerd'])
  const facts = pid === undefined ? undefined : await processFacts(pid, nowMs)
  if (!facts) return undefined
  const file = flagOf(facts.argv, 'config') ?? flagOf(facts.argv, 'c') ?? defaultConfig
  const [text, modifiedAtMs] = await Promise.all([
    readFile(file, 'utf8').catch(() => ''),
    stat(file).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    ),
  ])
  const found = handlerLines(text, asked)
  const { pid: of, exe, argv, startedAtMs } = facts
  const containerd = { pid: of, path: exe ?? argv[0] ?? '', startedAtMs }
  return { file, ...found, containerd, ...(modifiedAtMs > startedAtMs + clockSlackMs ? { changedSince: true } : {}) }
}

type Lines = Pick<ConfigTable, 'line' | 'table' | 'runtimeType' | 'defaultLine' | 'handler'>

/** Pure: the lines of one file that decide about `asked`, "" being the default handler. */
export function handlerLines(text: string, asked: string): Lines {
  const lines = text.split('\n')
  const chosen = lines.findIndex((line) => /^\s*default_runtime_name\s*=/.test(line))
  const named = /["']([^"']*)["']/.exec(lines[chosen] ?? '')?.[1]
  const handler = asked === '' ? (named ?? 'runc') : asked
  const at = lines.findIndex((line) => /^\s*\[plugins\b/.test(line) && runtimeOfHead(line) === handler)
  const byDefault = asked === '' && named !== undefined ? { defaultLine: chosen + 1 } : {}
  if (at < 0) return { handler, ...byDefault }
  const body = lines.slice(at + 1)
  const end = body.findIndex((line) => /^\s*\[/.test(line))
  const type = (end < 0 ? body : body.slice(0, end)).find((line) => /^\s*runtime_type\s*=/.test(line))
  return {
    ...{ handler, line: at + 1, table: (lines[at] ?? '').trim(), runtimeType: /["']([^"']*)["']/.exec(type ?? '')?.[1] },
    ...byDefault,
  }
}

const runtimeOfHead = (line: string): string | undefined => {
  const found = /\.containerd\.runtimes\.(?:"([^"]+)"|'([^']+)'|([A-Za-z0-9_-]+))\s*\]/.exec(line)
  return found?.[1] ?? found?.[2] ?? found?.[3]
}
