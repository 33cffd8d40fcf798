// polypod trace
import { type Command, Option } from 'commander'
import { Event } from '../api/core/event.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { isNotFound } from '../api/status.ts'
import { clientFromKubeconfig, type HttpClient } from '../client/http.ts'
import { Problem } from '../cluster/problem.ts'
import { systemClock } from '../lib/clock.ts'
import type { NodeTrace } from '../node/trace/node-trace.ts'
import { adminClient } from './admin-client.ts'
import { dataDirOption } from './flags.ts'
import { json, print } from './output.ts'
import { runningDir } from './running-dir.ts'
import { otlpTrace, sendTrace } from './trace-otlp.ts'
import { podTrace, type PodTrace } from './trace-steps.ts'
import { stepText, traceText } from './trace-text.ts'

interface Flags {
  namespace: string
  watch?: boolean
  output?: 'json' | 'otlp-json'
  /** False: run nothing in the Pod. */
  exec: boolean
  otlpEndpoint?: string
  kubeconfig?: string
  dataDir?: string
}

const examples = `
Examples:
  polypod trace pod web
  polypod trace pod web -w
  polypod trace pod web -o json --kubeconfig ~/.kube/config
  polypod trace pod web --otlp-endpoint http://127.0.0.1:4318`

export function trace(program: Command): void {
  program
    .command('trace')
    .description('Show the request path with evidence')
    .command('pod')
    .description(
      'Show the five steps from the API server to the shim that runs a Pod: when, how long, what was decided, and where each can be read again',
    )
    .argument('<name>', 'the Pod')
    .option('-n, --namespace <namespace>', 'its namespace', 'default')
    .option('-w, --watch', 'print each step when it happens, until all have; the Pod need not exist yet')
    .option('--no-exec', 'do not run `cat /proc/version` in a container to learn which kernel it sees')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['json', 'otlp-json']))
    .option('--otlp-endpoint <url>', 'send the trace as OpenTelemetry spans (OTLP/HTTP, JSON) to this collector')
    .option('--kubeconfig <file>', 'ask the cluster of this kubeconfig instead of the one in the data directory')
    .addOption(dataDirOption())
    .addHelpText('after', examples)
    .exitOverride()
    .action(async (name: string, flags: Flags) => {
      const client = await clientOf(flags)
      try {
        const ref = { namespace: flags.namespace, name }
        const found = flags.watch ? await watched(client, ref, flags) : await traceOf(client, ref, flags)
        if (!found) throw new Problem('failed', `pods "${name}" not found`)
        await show(found, flags)
      } finally {
        await client.close()
      }
    })
}

const clientOf = async ({ kubeconfig, dataDir }: Flags): Promise<HttpClient> =>
  kubeconfig === undefined ? adminClient(await runningDir(dataDir)) : clientFromKubeconfig(kubeconfig)

interface Ref {
  namespace: string
  name: string
}

/** Undefined when there is no such Pod. */
export async function traceOf(client: HttpClient, ref: Ref, { exec }: Pick<Flags, 'exec'>): Promise<PodTrace | undefined> {
  const pod = await orNothing(client.get(Pod, ref))
  if (!pod) return undefined
  const className = pod.spec.runtimeClassName
  const [runtimeClass, events, asked] = await Promise.all([
    className === undefined ? undefined : orNothing(client.get(RuntimeClass, { name: className })),
    client.list(Event, { namespace: ref.namespace, fieldSelector: `involvedObject.uid=${pod.metadata.uid}` }),
    pod.spec.nodeName ? nodeTraceOf(client, pod.spec.nodeName, ref, exec) : {},
  ])
  return podTrace({ pod, runtimeClass, events: events.items, node: undefined, ...asked })
}

async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Through the API server, so that a kubeconfig is all it takes. */
async function nodeTraceOf(
  client: HttpClient,
  node: string,
  { namespace, name }: Ref,
  exec: boolean,
): Promise<{ node?: NodeTrace; nodeError?: string }> {
  const path = [node, 'proxy', 'trace', namespace, name].map(encodeURIComponent).join('/')
  try {
    return { node: (await client.getPath(`/api/v1/nodes/${path}${exec ? '' : '?exec=0'}`)) as NodeTrace }
  } catch (error) {
    return { nodeError: `node ${node} does not tell: ${error instanceof Error ? error.message : String(error)}` }
  }
}

const lookEveryMs = 300

/** Prints what is new, step by step; resolves with the whole once every step is done, or the Pod is over. */
async function watched(client: HttpClient, ref: Ref, flags: Flags): Promise<PodTrace> {
  const told = new Map<number, string>()
  for (;;) {
    const found = await traceOf(client, ref, { exec: false })
    for (const step of found?.steps ?? []) {
      const key = `${step.state} ${step.summary}`
      if (step.state === 'pending' || told.get(step.step) === key) continue
      told.set(step.step, key)
      if (!flags.output) print(stepText(step))
    }
    const isOver = found?.phase === 'Succeeded' || found?.phase === 'Failed'
    if (
      found &&
      (isOver || found.steps.every(({ state }) => state === 'done' || (state === 'unknown' && found.phase === 'Running')))
    )
      return found
    await systemClock.sleep(lookEveryMs)
  }
}

async function show(found: PodTrace, { output, otlpEndpoint, watch }: Flags): Promise<void> {
  if (otlpEndpoint !== undefined) {
    await sendTrace(found, otlpEndpoint)
    if (output === undefined) return print(`sent to ${otlpEndpoint}: trace ${found.uid.replaceAll('-', '')}\n`)
  }
  if (output === 'json') print(json(found))
  else if (output === 'otlp-json') print(json(otlpTrace(found)))
  else if (!watch) print(traceText(found))
}
