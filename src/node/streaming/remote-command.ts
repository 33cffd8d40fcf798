// exec and attach as remotecommand sees them: which streams there are, and how the end of a command is told.
import type { StreamRequest } from '../cri/runtime.ts'

export type CommandStreams = Pick<StreamRequest, 'stdin' | 'stdout' | 'stderr' | 'tty'>

export const spdyProtocol = 'v4.channel.k8s.io'
export const portForwardProtocol = 'portforward.k8s.io'

/** Channel numbers of the WebSocket protocols; 255 is v5's close of a channel. */
export const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const

/**
 * The kubelet's query words: input, output, error, tty, each "1". Undefined when no stream is asked for.
 * k8s: with a terminal there is no stderr of its own, whatever was asked.
 */
export function commandStreams(query: URLSearchParams): CommandStreams | undefined {
  const on = (word: string) => ['1', 'true'].includes(query.get(word) ?? '')
  const tty = on('tty')
  const asked = { stdin: on('input'), stdout: on('output'), stderr: on('error') && !tty, tty }
  return asked.stdin || asked.stdout || asked.stderr ? asked : undefined
}

interface CommandStatus {
  metadata: object
  status: 'Success' | 'Failure'
  message?: string
  reason?: string
  details?: { causes: { reason?: string; message: string }[] }
  code?: number
}

/** What travels on the error stream of protocol v4 and v5 when the command has ended. */
export function exitStatus(exitCode: number): CommandStatus {
  if (exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

/** The command never ran, or nobody knows how it ended. */
export function failureStatus(message: string): CommandStatus {
  return {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }
}
