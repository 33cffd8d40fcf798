// polypod down
import { access } from 'node:fs/promises'
import type { Command } from 'commander'
import { dataDirAt } from '../cluster/data-dir.ts'
import { down as takeDown } from '../cluster/down.ts'
import { systemClock } from '../lib/clock.ts'
import { dataDirOption } from './flags.ts'
import { print } from './output.ts'

export function down(program: Command): void {
  program
    .command('down')
    .description('Stop a cluster with its Pods, and leave nothing of it running')
    .addOption(dataDirOption())
    .option('--purge', 'delete its data directory too')
    .addHelpText('after', '\nExample:\n  polypod down --purge')
    .action(async ({ dataDir, purge = false }: { dataDir?: string; purge?: boolean }) => {
      const dir = dataDirAt(dataDir)
      const exists = await access(dir.path).then(
        () => true,
        () => false,
      )
      if (!exists) return print(`no cluster in ${dir.path}\n`)
      const log = (line: string) => console.error(`polypod: ${line}`)
      const { wasRunning } = await takeDown({ dir, clock: systemClock, purge, log })
      const what = wasRunning ? 'stopped the cluster' : 'no cluster was running'
      print(`${what} in ${dir.path}${purge ? ', and deleted its data' : '; its objects stay for the next `polypod up`'}\n`)
    })
}
