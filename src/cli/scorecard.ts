// polypod scorecard
import os from 'node:os'
import { type Command, Option } from 'commander'
import { Node } from '../api/core/node.ts'
import { NodeHandler, nodeHandlerName, runtimeText, systemNamespace } from '../api/polypod/node-handler.ts'
import { isNotFound } from '../api/status.ts'
import { httpClient, readKubeconfig } from '../client/http.ts'
import type { Client } from '../client/client.ts'
import { Problem } from '../cluster/problem.ts'
import { readSettings } from '../cluster/settings.ts'
import { rfc3339, systemClock } from '../lib/clock.ts'
import { openScope } from '../lib/scope.ts'
import { findHierarchies } from '../node/cgroup-tree.ts'
import { chosenHandlers, interrupted, measureLock, testImage } from './bench-world.ts'
import { dataDirOption, names, wholeNumber } from './flags.ts'
import { json, print } from './output.ts'
import { runningDir } from './running-dir.ts'
import type { Scorecard } from './scorecard/model.ts'
import { scorecardPage } from './scorecard/page.ts'
import { openScoreWorld } from './scorecard/pods.ts'
import { makeNamespace, removeNamespace, scoreHandler } from './scorecard/run.ts'
import { scorecardMarkdown, scorecardTable } from './scorecard/text.ts'

interface Flags {
  handler?: string[]
  pods: number
  dataDir?: string
  output: keyof typeof formats
}

const formats = { table: scorecardTable, markdown: scorecardMarkdown, json, html: scorecardPage }

const examples = `
It makes a namespace and RuntimeClasses of its own, and takes them away again. A machine that does nothing else measures best.

Examples:
  polypod scorecard
  polypod scorecard --handler runc,gvisor -o markdown
  polypod scorecard -o html > scorecard.html`

export function scorecard(program: Command): void {
  program
    .command('scorecard')
    .description('Run the same Pods on every handler and compare: start, memory, CPU, system calls, files, network, features')
    .option('--handler <names>', 'only these handlers, with commas between them', names)
    .option('--pods <count>', 'how many Pods are started to time it', wholeNumber(1, 200), 10)
    .addOption(dataDirOption())
    .addOption(new Option('-o, --output <format>', 'output format').choices(Object.keys(formats)).default('table'))
    .addHelpText('after', examples)
    .action(async (flags: Flags) => print(formats[flags.output](await scored(flags))))
}

async function scored({ handler, pods, dataDir }: Flags): Promise<Scorecard> {
  const dir = await runningDir(dataDir)
  const settings = await readSettings(dir)
  if (!settings || settings.runtime.kind === 'simulated')
    throw new Problem('failed', 'the nodes are simulated: there is nothing real to compare (start a cluster without --simulated)')
  const scope = openScope()
  try {
    await measureLock(dir, scope)
    const target = await readKubeconfig(dir.kubeconfig)
    const client = scope.own(httpClient(target))
    const signal = interrupted(scope)
    const node = await client.get(Node, { name: settings.nodeName })
    const offered = (node.status.runtimeHandlers ?? []).map(({ name }) => name).filter((name) => name !== '')
    const handlers = chosenHandlers(offered, handler)
    await removeNamespace(client, systemClock)
    await makeNamespace(client)
    scope.own({ close: () => removeNamespace(client, systemClock) })
    const world = await openScoreWorld({ client, target, clock: systemClock, signal: scope.signal, image: testImage })
    const [load = 0] = os.loadavg()
    const found: Scorecard = { measuredAt: rfc3339(systemClock.now()), machine: await machineOf(node), pods, load, handlers: [] }
    for (const name of handlers) {
      if (signal.aborted) break
      const runtime = await runtimeOf(client, settings.nodeName, name)
      found.handlers.push(await scoreHandler({ ...world, signal }, { handler: name, runtime, pods, onProgress: console.error }))
    }
    return found
  } finally {
    await scope.close()
  }
}

async function machineOf({ status }: Node): Promise<Scorecard['machine']> {
  const { osImage, kernelVersion, architecture, containerRuntimeVersion } = status.nodeInfo
  const { cpu = '0', memory = '0' } = status.capacity ?? {}
  return {
    ...{ osImage, kernelVersion, architecture, containerRuntime: containerRuntimeVersion },
    ...{ cpuModel: os.cpus()[0]?.model, cpus: Number(cpu), memory },
    cgroup: (await findHierarchies('/sys/fs/cgroup')).version,
  }
}

async function runtimeOf(client: Client, nodeName: string, handler: string): Promise<string> {
  const ref = { namespace: systemNamespace, name: nodeHandlerName(nodeName, handler) }
  const found = await client.get(NodeHandler, ref).catch((error: unknown) => {
    if (!isNotFound(error)) throw error
    return undefined
  })
  return found ? runtimeText(found.status) : ''
}
