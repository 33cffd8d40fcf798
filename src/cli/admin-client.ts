// The administrator's client of a cluster that runs.
import { clientFromKubeconfig, type HttpClient } from '../client/http.ts'
import type { DataDir } from '../cluster/data-dir.ts'
import { Problem } from '../cluster/problem.ts'

/** Throws Problem when the kubeconfig was deleted or broken while the cluster runs. */
export async function adminClient({ path, kubeconfig }: DataDir): Promise<HttpClient> {
  return clientFromKubeconfig(kubeconfig).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'is gone' : `cannot be read (${error.message})`
    throw new Problem('failed', `${kubeconfig} ${why}: ${restart(path)} writes it anew`, error)
  })
}

export const restart = (dataDir: string): string => `\`polypod down --data-dir ${dataDir}\` and \`up\` again`
