// One handler's part of the scorecard, on real Pods made through the API.
import type { Namespace as NamespaceObject } from '../../api/core/namespace.ts'
import { Namespace } from '../../api/core/namespace.ts'
import { PodMetrics, sandboxUsageAnnotation } from '../../api/metrics/resource-metrics.ts'
import { RuntimeClass } from '../../api/node/runtime-class.ts'
import { valueOf } from '../../api/quantity.ts'
import { isAlreadyExists, isNotFound } from '../../api/status.ts'
import type { Client } from '../../client/client.ts'
import type { Clock } from '../../lib/clock.ts'
import { summary } from '../../lib/statistics.ts'
import { latencyOf } from '../../node/measure/measurement-status.ts'
import { checkFeatures } from './features.ts'
import type { HandlerScore } from './model.ts'
import { isRunning, messageOf, removePod, scorecardNamespace, type ScoreWorld, startPod, whenPod } from './pods.ts'
import { clientScript, figuresOf, insideScript, linesOf, serverScript } from './workload.ts'

export interface ScoreOptions {
  handler: string
  runtime: string
  /** How many are started, one after the other. */
  pods: number
  onProgress: (line: string) => void
}

const settleMs = 3000

/** Never rejects because of what the handler cannot do: that is what a scorecard is for. */
export async function scoreHandler(world: ScoreWorld, options: ScoreOptions): Promise<HandlerScore> {
  const { handler, onProgress } = options
  const score: HandlerScore = { handler, runtime: options.runtime, figures: {}, features: [], problems: [] }
  const className = await makeClass(world.client, handler)
  const attempt = async (what: string, part: () => Promise<void>) => {
    if (world.signal.aborted) return
    onProgress(`${handler}: ${what}`)
    await part().catch((error: Error) => score.problems.push(`${what}: ${error.message}`))
  }
  try {
    await attempt('start and memory', async () => void Object.assign(score, await startAndMemory(world, className, options)))
    await attempt('CPU, system calls and files', async () => {
      const lines = linesOf(await inside(world, className, handler))
      score.kernel = lines.get('kernel')
      Object.assign(score.figures, figuresOf(lines))
    })
    await attempt(
      'network',
      async () => void Object.assign(score.figures, figuresOf(linesOf(await network(world, className, handler)))),
    )
    await attempt('features', async () => {
      score.features = await checkFeatures({ world, className, prefix: handler })
    })
  } finally {
    await world.client.delete(RuntimeClass, { name: className }).catch(() => undefined)
  }
  return score
}

/** Of its own, without overhead: every handler gets the same Pods. */
async function makeClass(client: Client, handler: string): Promise<string> {
  const name = `${scorecardNamespace}-${handler}`
  await unlessThere(client.create(RuntimeClass, RuntimeClass.decode({ metadata: { name }, handler }, { unknown: [] })))
  return name
}

async function startAndMemory(
  world: ScoreWorld,
  className: string,
  { handler, pods }: ScoreOptions,
): Promise<Pick<HandlerScore, 'start' | 'sandboxBytes'>> {
  const names = Array.from({ length: pods + 1 }, (_, i) => `${handler}-start-${i}`)
  const took: number[] = []
  try {
    for (const name of names) {
      const begun = world.clock.now()
      await startPod(world, { name, className, script: 'exec sleep 1000000' })
      await whenPod(world, name, isRunning)
      took.push(world.clock.now() - begun)
    }
    await world.clock.sleep(settleMs)
    // the first one reads binaries and images from the disk
    return { start: latencyOf(took.slice(1)), sandboxBytes: await sandboxBytes(world, names) }
  } finally {
    await Promise.all(names.map((name) => removePod(world, name)))
  }
}

async function sandboxBytes({ client }: ScoreWorld, names: readonly string[]): Promise<number | undefined> {
  const { items } = await client.list(PodMetrics, { namespace: scorecardNamespace })
  const used = items
    .filter(({ metadata }) => names.includes(metadata.name))
    .map(({ metadata }) => JSON.parse(metadata.annotations?.[sandboxUsageAnnotation] ?? '{}') as { memory?: string })
    .flatMap(({ memory }) => (memory === undefined ? [] : [Number(valueOf(memory))]))
  return used.length === 0 ? undefined : Math.round(summary(used).mean)
}

/** Who asks for none gets what others leave, and would measure those. */
const asksForCpu = { resources: { requests: { cpu: '250m' } } }

const inside = (world: ScoreWorld, className: string, handler: string): Promise<string> =>
  messageOf(
    world,
    {
      ...{ name: `${handler}-inside`, className, script: insideScript },
      spec: { volumes: [{ name: 'data', emptyDir: {} }] },
      container: { ...asksForCpu, volumeMounts: [{ name: 'data', mountPath: '/data' }] },
    },
    180_000,
  )

async function network(world: ScoreWorld, className: string, handler: string): Promise<string> {
  const server = `${handler}-server`
  try {
    await startPod(world, { name: server, className, script: serverScript, container: asksForCpu })
    const { status } = await whenPod(world, server, (pod) => isRunning(pod) && !!pod.status.podIP)
    const script = clientScript(status.podIP ?? '')
    return await messageOf(world, { name: `${handler}-client`, className, script, container: asksForCpu }, 90_000)
  } finally {
    await removePod(world, server)
  }
}

export async function makeNamespace(client: Client): Promise<void> {
  await unlessThere(client.create(Namespace, Namespace.decode({ metadata: { name: scorecardNamespace } }, { unknown: [] })))
}

/** With all that is in it; waits until it is gone. */
export async function removeNamespace(client: Client, clock: Clock): Promise<void> {
  const ref = { name: scorecardNamespace }
  const gone = (error: unknown): undefined => {
    if (!isNotFound(error)) throw error
  }
  await client.delete(Namespace, ref).catch(gone)
  for (let tries = 0; tries < 150; tries++) {
    const found: NamespaceObject | undefined = await client.get(Namespace, ref).catch(gone)
    if (!found) return
    await clock.sleep(200)
  }
}

async function unlessThere(made: Promise<unknown>): Promise<void> {
  try {
    await made
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
}
