// The data directory of a cluster that has to run.
import { type DataDir, dataDirAt } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'
import { pidLockHolder } from '../lib/pid-lock.ts'

/** Throws Problem when no cluster runs there. */
export async function runningDir(dataDir: string | undefined): Promise<DataDir> {
  const dir = dataDirAt(dataDir)
  if ((await pidLockHolder(dir.lock)) === undefined)
    throw new Problem('notRunning', `no cluster runs in ${dir.path}: start one with \`polypod up\``)
  return dir
}
