// polypod version
import type { Command } from 'commander'
import { kubernetesVersion, polypodVersion } from '../api/version.ts'
import { outputOption } from './flags.ts'
import { json, print } from './output.ts'

export function version(program: Command): void {
  program
    .command('version')
    .description('Print the version of Polypod and of the Kubernetes it speaks')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  polypod version -o json')
    .action(({ output }: { output?: 'json' }) => {
      const facts = { polypod: polypodVersion, kubernetes: kubernetesVersion, node: process.version }
      if (output === 'json') print(json(facts))
      else print(`polypod ${facts.polypod} (Kubernetes ${facts.kubernetes}, Node.js ${facts.node})\n`)
    })
}
