// polypod kubeconfig
import { access } from 'node:fs/promises'
import type { Command } from 'commander'
import { dataDirAt } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { pidLockHolder } from '../lib/pid-lock.ts'
import { restart } from './admin-client.ts'
import { dataDirOption, outputOption } from './flags.ts'
import { json, print } from './output.ts'

export function kubeconfig(program: Command): void {
  program
    .command('kubeconfig')
    .description("Print the path of the cluster's kubeconfig")
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  export KUBECONFIG=$(polypod kubeconfig)')
    .action(async ({ dataDir, output }: { dataDir?: string; output?: 'json' }) => {
      const dir = dataDirAt(dataDir)
      const missing = async () => {
        if ((await pidLockHolder(dir.lock)) !== undefined)
          throw new Problem('failed', `${dir.kubeconfig} is gone: ${restart(dir.path)} writes it anew`)
        throw new Problem('notRunning', `no cluster in ${dir.path}: start one with \`polypod up\``)
      }
      await access(dir.kubeconfig).catch(missing)
      print(output === 'json' ? json({ kubeconfig: dir.kubeconfig }) : `${dir.kubeconfig}\n`)
    })
}
