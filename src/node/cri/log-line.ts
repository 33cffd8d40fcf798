// The CRI log format: one line of a container's output as it lies in the log file.

/** `text` without its newline; `at` in milliseconds since the epoch; tag F is a full line, P a part of one. */
export const logLine = (at: number, stream: 'stdout' | 'stderr', text: string, tag: 'F' | 'P' = 'F'): string =>
  `${new Date(at).toISOString().slice(0, -1)}000000Z ${stream} ${tag} ${text}\n`
