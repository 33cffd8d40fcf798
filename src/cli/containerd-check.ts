// polypod containerd check: what is wrong with a configuration, on this machine and in a cluster.
import { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { clientFromKubeconfig } from '../client/http.ts'
import { Problem } from '../cluster/problem.ts'
import { checkConfig } from '../containerd/check.ts'
import { type Finding, findingsText, inOrder } from '../containerd/finding.ts'
import { machineAnswers } from '../node/containerd/config-owner.ts'
import { classFindings } from './containerd-classes.ts'
import type { OpenConfig } from './containerd-config.ts'

export interface CheckedConfig {
  files: string[]
  version: number
  containerd: { version: string; known: boolean }
  findings: Finding[]
}

export async function checkedConfig(
  { path, config, owner }: OpenConfig,
  { kubeconfig, elsewhere }: { kubeconfig?: string; elsewhere?: boolean },
): Promise<CheckedConfig> {
  const machine = elsewhere ? undefined : await machineAnswers(config, owner)
  const here = checkConfig(config, machine)
  const inCluster = kubeconfig === undefined ? [] : classFindings(config, await clusterFacts(kubeconfig))
  const files = config.files.map((file) => file.path)
  const { major, minor } = config.containerd
  return {
    files: files.length > 0 ? files : [path],
    version: config.version,
    containerd: { version: `${major}.${minor}`, known: config.containerdKnown },
    findings: inOrder([...here, ...inCluster], files),
  }
}

async function clusterFacts(kubeconfig: string) {
  const problem = (error: Error) => {
    throw new Problem('failed', `the cluster of ${kubeconfig} cannot be asked: ${error.message}`, error)
  }
  const client = await clientFromKubeconfig(kubeconfig).catch(problem)
  try {
    const [classes, nodes] = await Promise.all([client.list(RuntimeClass), client.list(Node)]).catch(problem)
    return { classes: classes.items, nodes: nodes.items }
  } finally {
    await client.close()
  }
}

export function checkText({ files, containerd, findings }: CheckedConfig): string {
  const more = files.length > 1 ? ` and ${files.length - 1} imported ${files.length === 2 ? 'file' : 'files'}` : ''
  return findingsText(
    findings,
    `${files[0]}${more}, for containerd ${containerd.version}${containerd.known ? '' : ' (guessed from its format)'}`,
  )
}
