// polypod measure
import type { Command } from 'commander'
import type { ResourceList } from '../api/core/resources.ts'
import { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { HandlerMeasurement } from '../api/polypod/handler-measurement.ts'
import { NodeHandler, nodeHandlerName, type NodeHandlerStatus, systemNamespace } from '../api/polypod/node-handler.ts'
import { isAlreadyExists, isNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { exitCodes } from '../cluster/problem.ts'
import { type PublishedOverhead, publishedOverhead } from '../ledger/published-overhead.ts'
import { openScope } from '../lib/scope.ts'
import { adminClient } from './admin-client.ts'
import { applyOverhead } from './apply-overhead.ts'
import { openBench, type OpenBench } from './bench-world.ts'
import { dataDirOption, names, outputOption, wholeNumber } from './flags.ts'
import { measureText } from './measure-text.ts'
import { json, print } from './output.ts'
import { runningDir } from './running-dir.ts'

export interface MeasuredHandler {
  handler: string
  /** Absent when it failed. */
  measurement?: HandlerMeasurement | undefined
  /** In the runtime's own words. */
  failed?: string | undefined
  /** RuntimeClasses of the handler, and what they declare. */
  declared: { class: string; podFixed: ResourceList }[]
  published: readonly PublishedOverhead[]
  /** What --apply did, or why it did not. */
  applied?: string | undefined
}

interface Flags {
  handler?: string[]
  pods: number
  rounds: number
  apply?: boolean
  dataDir?: string
  output?: 'json'
}

const examples = `
It starts Pods that do nothing on each handler, through CRI alone, and keeps what it finds as HandlerMeasurements in ${systemNamespace}.
A machine that does nothing else measures best.

Examples:
  polypod measure
  polypod measure --handler runc,gvisor --pods 20
  polypod measure --handler gvisor --apply
  kubectl get handlermeasurements -n ${systemNamespace} -o wide`

export function measure(program: Command): void {
  program
    .command('measure')
    .description('Measure what a Pod of each handler really costs beside its containers, and recommend an overhead')
    .option('--handler <names>', 'only these handlers, with commas between them', names)
    .option('--pods <count>', 'how many Pods at a time', wholeNumber(1, 500), 10)
    .option('--rounds <count>', 'how many times over', wholeNumber(1, 50), 3)
    .option('--apply', 'write the recommended overhead into the RuntimeClass of the handler; make one where there is none')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const found = await measureAll(flags)
      print(flags.output === 'json' ? json(found) : measureText(found))
      if (found.some(({ failed }) => failed !== undefined)) process.exitCode = exitCodes.failed
    })
}

async function measureAll(flags: Flags): Promise<MeasuredHandler[]> {
  const dir = await runningDir(flags.dataDir)
  const scope = openScope()
  try {
    const client = scope.own(await adminClient(dir))
    const bench = await openBench(dir, flags.handler, scope)
    const found: MeasuredHandler[] = []
    for (const handler of bench.handlers) if (!bench.signal.aborted) found.push(await measureOne(client, bench, handler, flags))
    return found
  } finally {
    await scope.close()
  }
}

async function measureOne(client: Client, bench: OpenBench, handler: string, flags: Flags): Promise<MeasuredHandler> {
  const { items } = await client.list(RuntimeClass)
  const classes = items.filter((one) => one.handler === handler)
  const declared = classes.map(({ metadata, overhead }) => ({ class: metadata.name, podFixed: overhead?.podFixed ?? {} }))
  const known = { handler, declared, published: publishedOverhead(handler) }
  try {
    const measurement = await measured(client, bench, handler, flags)
    // half of it is not worth keeping
    if (bench.signal.aborted) return { ...known, failed: 'interrupted' }
    const stored = await store(client, measurement)
    if (!flags.apply) return { ...known, measurement: stored }
    return { ...known, measurement: stored, applied: await applyOverhead(client, classes, stored) }
  } catch (error) {
    return { ...known, failed: error instanceof Error ? error.message : String(error) }
  }
}

async function measured(client: Client, bench: OpenBench, handler: string, { pods, rounds }: Flags): Promise<HandlerMeasurement> {
  const { world, nodeName, signal } = bench
  const [{ measureHandler }, { measuredMachine, measurementStatus }] = await Promise.all([
    import('../node/measure/measure-handler.ts'),
    import('../node/measure/measurement-status.ts'),
  ])
  const onProgress = (line: string) => console.error(line)
  const figures = await measureHandler(world, { handler, pods, rounds, signal, onProgress })
  const machine = await measuredMachine(world.runtime, world.cgroups)
  const node = await client.get(Node, { name: nodeName })
  const facts = await factsOf(client, nodeName, handler)
  const owner = { apiVersion: Node.apiVersion, kind: Node.kind, name: nodeName, uid: node.metadata.uid ?? '' }
  const metadata = { name: nodeHandlerName(nodeName, handler), namespace: systemNamespace, ownerReferences: [owner] }
  const status = measurementStatus(figures, { clock: world.clock, machine, facts, pods, rounds })
  return HandlerMeasurement.decode({ metadata, spec: { nodeName, handler }, status }, { unknown: [] })
}

async function factsOf(client: Client, nodeName: string, handler: string): Promise<NodeHandlerStatus | undefined> {
  const ref = { namespace: systemNamespace, name: nodeHandlerName(nodeName, handler) }
  const found = await client.get(NodeHandler, ref).catch((error: unknown) => {
    if (isNotFound(error)) return undefined
    throw error
  })
  return found?.status
}

/** The newest measurement takes the place of the one before. */
async function store(client: Client, measurement: HandlerMeasurement): Promise<HandlerMeasurement> {
  try {
    return await client.create(HandlerMeasurement, measurement)
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    const { name, namespace } = measurement.metadata
    const present = await client.get(HandlerMeasurement, { name, namespace })
    return client.update(HandlerMeasurement, { ...present, status: measurement.status }, { subresource: 'status' })
  }
}
