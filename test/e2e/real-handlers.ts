// Which handlers of this machine the suites run on, one by one, and why they do not run on the others.
import { offeredHandlers } from '../../src/containerd/handler-table.ts'
import { findMachine } from '../../src/node/containerd/binaries.ts'

/** runc is what everybody has; gVisor is as unlike it as a runtime can be: no process of the container is one of the machine. */
export const testedHandlers = ['runc', 'gvisor'] as const

/** For the title of what is skipped; undefined when Pods can run on `handler` here. */
export async function whyNotOn(handler: string): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  const machine = await findMachine().catch((error: Error) => error.message)
  if (typeof machine === 'string') return machine
  const missing = ['ctr', 'busybox'].filter((name) => !machine.tools.has(name))
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`
  if (offeredHandlers(machine.runtimes, machine.containerd.version).some(({ name }) => name === handler)) return undefined
  return handler === 'gvisor' ? 'no runsc here: `npm run gvisor` builds it where Go is' : `no runtime for handler ${handler} here`
}
