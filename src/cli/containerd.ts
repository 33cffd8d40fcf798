// polypod containerd show|check|add|remove
import type { Command } from 'commander'
import { exitCodes } from '../cluster/problem.ts'
import { hasErrors } from '../containerd/finding.ts'
import { checkedConfig, checkText } from './containerd-check.ts'
import { type ConfigFlags, configOptions, configPath, openConfig } from './containerd-config.ts'
import { addCommand, removeCommand } from './containerd-edit.ts'
import { shownConfig, showText } from './containerd-show.ts'
import { outputOption } from './flags.ts'
import { json, print } from './output.ts'

export function containerd(program: Command): void {
  const command = program
    .command('containerd')
    .description("Read, check and change any containerd's configuration (formats 1 to 4)")
  showCommand(command)
  checkCommand(command)
  addCommand(command)
  removeCommand(command)
  for (const sub of command.commands) sub.exitOverride()
}

function showCommand(parent: Command): void {
  configOptions(parent.command('show'))
    .description('List the handlers a configuration makes, and the line each stands in')
    .addOption(outputOption())
    .addHelpText('after', '\nExamples:\n  polypod containerd show\n  polypod containerd show --config ./config.toml -o json')
    .action(async ({ output, ...flags }: ConfigFlags & { output?: 'json' }) => {
      const shown = shownConfig(await openConfig(configPath(flags), flags.containerdVersion))
      print(output === 'json' ? json(shown) : showText(shown))
    })
}

function checkCommand(parent: Command): void {
  configOptions(parent.command('check'))
    .description('Look for every known trap: the line, what comes of it, and the cure')
    .option('--kubeconfig <file>', 'compare with the RuntimeClasses and nodes of this cluster, too')
    .option('--elsewhere', 'the file is for another machine: do not look for binaries and files on this one')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `\nExits with ${exitCodes.failed} when there are errors; warnings and notes do not count.\n\nExamples:\n  polypod containerd check\n  polypod containerd check --kubeconfig ~/.kube/config\n  polypod containerd check --config ./config.toml --containerd-version 2.1 --elsewhere -o json`,
    )
    .action(async ({ output, ...flags }: ConfigFlags & { output?: 'json'; kubeconfig?: string; elsewhere?: boolean }) => {
      const checked = await checkedConfig(await openConfig(configPath(flags), flags.containerdVersion), flags)
      print(output === 'json' ? json(checked) : checkText(checked))
      if (hasErrors(checked.findings)) process.exitCode = exitCodes.failed
    })
}
