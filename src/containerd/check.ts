// Every trap we know of containerd's configuration, looked for in one.
import { checkDefault } from './check-default.ts'
import { checkFormat } from './check-format.ts'
import { checkMachine } from './check-machine.ts'
import { checkRuntimes } from './check-runtimes.ts'
import type { EffectiveConfig } from './effective-config.ts'
import { type Finding, inOrder } from './finding.ts'
import type { MachineAnswers } from './machine-questions.ts'

/** In the order of the files and their lines. Without `machine`, what files and binaries are there is not asked. */
export function checkConfig(config: EffectiveConfig, machine?: MachineAnswers): Finding[] {
  const findings = [...checkFormat(config), ...checkDefault(config), ...checkRuntimes(config), ...checkMachine(config, machine)]
  return inOrder(
    findings,
    config.files.map(({ path }) => path),
  )
}
