// The polypod command: THE list of its sub-commands, and how errors end it.
import { Command, CommanderError } from 'commander'
import { exitCodes, Problem } from '../cluster/problem.ts'
import { kubernetesVersion, polypodVersion } from '../api/version.ts'
import { containerd } from './containerd.ts'
import { down } from './down.ts'
import { explain } from './explain.ts'
import { kubeconfig } from './kubeconfig.ts'
import { ledger } from './ledger.ts'
import { measure } from './measure.ts'
import { runtimes } from './runtimes.ts'
import { scorecard } from './scorecard.ts'
import { status } from './status.ts'
import { trace } from './trace.ts'
import { up } from './up.ts'
import { version } from './version.ts'

const commands = [up, down, status, kubeconfig, runtimes, containerd, ledger, measure, scorecard, trace, explain, version]

const program = new Command('polypod')
  .description('A Kubernetes control plane and node agent for nodes that run several container runtimes')
  .version(`${polypodVersion} (Kubernetes ${kubernetesVersion})`)
  .showSuggestionAfterError()
  .configureHelp({ sortSubcommands: false })
  .addHelpText('after', '\nExample:\n  polypod up --detach && kubectl --kubeconfig $(polypod kubeconfig) get nodes')
  .exitOverride()
for (const command of commands) command(program)
// exitOverride is not inherited by commands that were added before it, nor by those added to them
for (const command of program.commands) command.exitOverride()

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage
  const message = error instanceof Error ? error.message : String(error)
  console.error(`polypod: ${message}`)
  if (process.env.POLYPOD_DEBUG && error instanceof Error) console.error(error)
  return error instanceof Problem ? error.exitCode : exitCodes.failed
}
