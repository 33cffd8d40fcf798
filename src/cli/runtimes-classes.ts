// polypod runtimes classes
import type { Command } from 'commander'
import { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { HandlerMeasurement } from '../api/polypod/handler-measurement.ts'
import { systemNamespace } from '../api/polypod/node-handler.ts'
import { isAlreadyExists } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { yaml } from '../lib/lazy-yaml.ts'
import { systemClock } from '../lib/clock.ts'
import { adminClient } from './admin-client.ts'
import { type ClassPlan, classPlans, isProving } from './class-plan.ts'
import { json, print, table } from './output.ts'
import { runningDir } from './running-dir.ts'

interface Flags {
  create?: boolean
  nodeSelector?: boolean
  dataDir?: string
  output?: 'json'
}

const examples = `
Examples:
  polypod runtimes classes            # what is missing, as YAML
  polypod runtimes classes --create   # make it; what is there stays as it is`

/** First proofs end within a second or two of the start. */
const provingMs = 15_000

/** Below `runtimes`, whose flags it takes too. */
export function runtimesClasses(parent: Command): void {
  parent
    .command('classes')
    .description('Show the RuntimeClasses that proved handlers lack, with measured overhead, or make them')
    .option('--create', 'make them')
    .option('--node-selector', 'let them select nodes by the label of proved handlers, for schedulers other than ours')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', examples)
    .action(async (_: unknown, command: Command) => {
      const { create, nodeSelector = false, dataDir, output } = command.optsWithGlobals<Flags>()
      const client = await adminClient(await runningDir(dataDir))
      try {
        const plans = await plansOf(client, nodeSelector)
        if (create) {
          const done = await createAll(client, plans)
          print(output === 'json' ? json(done) : doneText(done))
        } else print(output === 'json' ? json(plans) : plansText(plans))
      } finally {
        await client.close()
      }
    })
}

async function plansOf(client: Client, select: boolean): Promise<ClassPlan[]> {
  const [nodes, classes, measurements] = await Promise.all([
    provedNodes(client),
    client.list(RuntimeClass),
    client.list(HandlerMeasurement, { namespace: systemNamespace }),
  ])
  return classPlans({ nodes, classes: classes.items, measurements: measurements.items, select })
}

/** As they are once first proofs have ended, or it would take too long. */
async function provedNodes(client: Client): Promise<Node[]> {
  const until = systemClock.now() + provingMs
  for (;;) {
    const { items } = await client.list(Node)
    if (!isProving(items) || systemClock.now() > until) return items
    await systemClock.sleep(200)
  }
}

interface Done {
  handler: string
  created: boolean
  note: string
}

async function createAll(client: Client, plans: readonly ClassPlan[]): Promise<Done[]> {
  const done: Done[] = []
  for (const { handler, make, note } of plans) done.push({ handler, ...(await createOne(client, make, note)) })
  return done
}

async function createOne(client: Client, make: RuntimeClass | undefined, note: string): Promise<Omit<Done, 'handler'>> {
  if (!make) return { created: false, note }
  try {
    await client.create(RuntimeClass, make)
    return { created: true, note }
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
    return { created: false, note: 'somebody made it meanwhile' }
  }
}

const doneText = (done: readonly Done[]): string =>
  table(
    ['HANDLER', 'RUNTIMECLASS', 'NOTE'],
    done.map(({ handler, created, note }) => [handler, created ? 'created' : 'not created', note]),
  )

/** YAML that kubectl applies; what is not made is a comment. */
function plansText(plans: readonly ClassPlan[]): string {
  return plans
    .map(({ handler, make, note }) => {
      const text = make && yaml().stringify(make)
      return text === undefined ? `# ${handler}: not made: ${note}\n` : `---\n# ${handler}: ${note}\n${text}`
    })
    .join('')
}
