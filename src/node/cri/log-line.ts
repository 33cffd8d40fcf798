// One line of a CRI log file: `<rfc3339nano> stdout|stderr P|F <text>`; P means the line goes on in the next one.

export interface LogLine {
  timestamp: string
  stream: 'stdout' | 'stderr'
  partial: boolean
  /** Without the line feed. */
  text: Buffer
}

const space = 0x20

/** `raw` without its line feed; undefined for what is not a CRI log line. */
export function parseLogLine(raw: Buffer): LogLine | undefined {
  const first = raw.indexOf(space)
  const second = raw.indexOf(space, first + 1)
  if (first <= 0 || second < 0) return undefined
  const third = raw.indexOf(space, second + 1)
  const stream = raw.toString('latin1', first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  const [tag] = raw.toString('latin1', second + 1, third < 0 ? raw.length : third).split(':')
  if (tag !== 'P' && tag !== 'F') return undefined
  const text = third < 0 ? raw.subarray(raw.length) : raw.subarray(third + 1)
  return { timestamp: raw.toString('latin1', 0, first), stream, partial: tag === 'P', text }
}

/** k8s: printed timestamps always have nine fractional digits, whatever the runtime wrote. */
export function fixedTimestamp(timestamp: string): string {
  const parts = /^(?<seconds>.{19})(\.(?<fraction>\d+))?(?<zone>.*)$/.exec(timestamp)?.groups
  return parts ? `${parts.seconds}.${(parts.fraction ?? '').padEnd(9, '0').slice(0, 9)}${parts.zone}` : timestamp
}

/** `text` without its newline; `at` in milliseconds since the epoch; tag F is a full line, P a part of one. */
export const logLine = (at: number, stream: 'stdout' | 'stderr', text: string, tag: 'F' | 'P' = 'F'): string =>
  `${new Date(at).toISOString().slice(0, -1)}000000Z ${stream} ${tag} ${text}\n`
