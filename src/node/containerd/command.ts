// Runs the machine's small tools.
import { execFile } from 'node:child_process'

export interface CommandResult {
  stdout: string
  stderr: string
  /** The exit code; -1 when it could not be started or was killed. */
  code: number
}

/** Never rejects: the caller decides what a failure means. */
export function command(file: string, args: readonly string[], timeoutMs = 60_000): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, encoding: 'utf8', maxBuffer: 16 * 1024 * 1024, env: toolEnvironment() } as const
    execFile(file, [...args], options, (error, stdout, stderr) => {
      const code = error ? (typeof error.code === 'number' ? error.code : -1) : 0
      resolve({ stdout, stderr: stderr || (error && code === -1 ? error.message : ''), code })
    })
  })
}

/** PATH with the folders where Debian keeps runc, ip and iptables, which a plain user's PATH lacks. */
export function toolEnvironment(): NodeJS.ProcessEnv {
  const path = (process.env['PATH'] ?? '').split(':').filter(Boolean)
  for (const folder of ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'])
    if (!path.includes(folder)) path.push(folder)
  return { ...process.env, PATH: path.join(':') }
}
