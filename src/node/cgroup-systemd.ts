// With the systemd driver slices belong to systemd: it writes their values when it starts them, so it has to know them.
import { command } from './containerd/command.ts'
import { weightOf } from './cgroup-values.ts'
import type { LinuxResources } from './cri/runtime.ts'

/** Properties of a slice. What `values` leaves out is unlimited. */
export function sliceProperties(values: LinuxResources, version: 'v1' | 'v2' | 'hybrid'): string[] {
  const { cpuShares, cpuPeriod = 100_000, cpuQuota = 0, memoryLimitInBytes } = values
  // systemd wants hundredths of a percent at most, and rounds what is finer down to nothing
  const percent = Math.max(0.01, Math.ceil((cpuQuota * 10_000) / cpuPeriod) / 100)
  const shares = version === 'v2' ? `CPUWeight=${weightOf(cpuShares ?? 2)}` : `CPUShares=${cpuShares}`
  return [
    ...(cpuShares ? [shares] : []),
    `CPUQuota=${cpuQuota > 0 ? `${percent}%` : ''}`,
    `MemoryMax=${memoryLimitInBytes || 'infinity'}`,
  ]
}

/** Why systemd would not; undefined when it has. Until the next boot, or `dropSlice`. */
export async function setSlice(slice: string, properties: readonly string[]): Promise<string | undefined> {
  const { code, stderr } = await command('systemctl', ['set-property', '--runtime', slice, ...properties])
  return code === 0 ? undefined : stderr.trim() || `systemctl set-property ${slice}: exit code ${code}`
}

/** Ends the slice with all in it, and forgets its properties. One that systemd does not know is no error. */
export async function dropSlice(slice: string): Promise<void> {
  await command('systemctl', ['stop', slice])
  await command('systemctl', ['revert', slice])
}
