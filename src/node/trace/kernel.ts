// The kernel a Pod's containers see: asked inside one of them.
import { release } from 'node:os'
import type { Runtime } from '../cri/runtime.ts'

export interface SeenKernel {
  /** As uname(2) says inside: `4.4.0`. */
  release: string
  /** It is the node's own. */
  isNodes: boolean
  /** `cat /proc/version in container main` */
  how: string
}

const commands = [
  ['cat', '/proc/version'],
  ['uname', '-r'],
] as const

/** cost: runs a program in the container. Undefined, with a reason, where it has none that tells. */
export async function kernelSeen(
  runtime: Pick<Runtime, 'execSync'>,
  container: { id: string; name: string },
): Promise<SeenKernel | { why: string }> {
  let why = ''
  for (const command of commands) {
    try {
      const { stdout, exitCode } = await runtime.execSync(container.id, [...command], 5)
      const text = Buffer.from(stdout).toString().trim()
      const found = /^Linux version (\S+)/.exec(text)?.[1] ?? (command[0] === 'uname' ? text : '')
      const how = `${command.join(' ')} in container ${container.name}`
      if (exitCode === 0 && found !== '') return { release: found, isNodes: found === release(), how }
      why = `${command.join(' ')} ended with ${exitCode}`
    } catch (error) {
      why = error instanceof Error ? error.message : String(error)
    }
  }
  return { why: `nothing in container ${container.name} tells its kernel: ${why}` }
}
