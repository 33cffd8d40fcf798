// polypod runtimes diff
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'
import type { Command } from 'commander'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { isRecord } from '../api/schema.ts'
import { Problem } from '../cluster/problem.ts'
import { type ClassChange, classChange, type StaleRow, staleRow } from '../ledger/class-change.ts'
import { classesByName, stalePods } from '../ledger/stale-overhead.ts'
import { systemClock } from '../lib/clock.ts'
import { yaml } from '../lib/lazy-yaml.ts'
import { adminClient } from './admin-client.ts'
import { json, print, table } from './output.ts'
import { runningDir } from './running-dir.ts'

const examples = `
Examples:
  polypod runtimes diff -f kata.yaml   # before kubectl apply: what the edit would mean
  polypod runtimes diff                # after it: Pods that still have the old overhead`

interface Flags {
  filename?: string
  dataDir?: string
  output?: 'json'
}

/** Below `runtimes`, whose flags it takes too. */
export function runtimesDiff(parent: Command): void {
  parent
    .command('diff')
    .description('Show what an edit of RuntimeClasses would mean, or which Pods have an overhead that is out of date')
    .option('-f, --filename <file>', 'RuntimeClasses as they shall become, in YAML or JSON; - is standard input')
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .addHelpText('after', examples)
    .action(async (_: unknown, command: Command) => {
      const { filename, dataDir, output } = command.optsWithGlobals<Flags>()
      const wanted = filename === undefined ? undefined : await readClasses(filename)
      const client = await adminClient(await runningDir(dataDir))
      try {
        const [pods, nodes, quotas, classes] = await Promise.all([
          ...([client.list(Pod), client.list(Node)] as const),
          ...([client.list(ResourceQuota), client.list(RuntimeClass)] as const),
        ])
        if (wanted) {
          const facts = { pods: pods.items, nodes: nodes.items, quotas: quotas.items, now: systemClock.now() }
          const changes = wanted.map((next) => changeOf(next, classesByName(classes.items), facts))
          print(output === 'json' ? json(changes) : changes.map(changeText).join('\n'))
        } else {
          const stale = stalePods(pods.items, classesByName(classes.items)).map(staleRow)
          print(
            output === 'json'
              ? json(stale)
              : stale.length === 0
                ? 'No Pod has an overhead that is out of date.\n'
                : staleText(stale),
          )
        }
      } finally {
        await client.close()
      }
    })
}

/** Throws Problem where the API server would refuse the edit. */
function changeOf(next: RuntimeClass, classes: ReadonlyMap<string, RuntimeClass>, facts: Parameters<typeof classChange>[1]) {
  const { name } = next.metadata
  const old = classes.get(name)
  if (old && old.handler !== next.handler)
    throw new Problem(
      'failed',
      `RuntimeClass ${name}: the handler cannot change (${old.handler} to ${next.handler}): make another class`,
    )
  return classChange(next, facts)
}

async function readClasses(filename: string): Promise<RuntimeClass[]> {
  const text = await (filename === '-' ? textOf(process.stdin) : readFile(filename, 'utf8')).catch((error: Error) => {
    throw new Problem('failed', `cannot read ${filename}: ${error.message}`, error)
  })
  const found = yaml()
    .parseAllDocuments(text)
    .map((document) => document.toJS() as unknown)
    .filter((object) => isRecord(object) && object.kind === RuntimeClass.kind)
  if (found.length === 0) throw new Problem('failed', `${filename} holds no RuntimeClass`)
  return found.map((object) => {
    const decoded = RuntimeClass.decode(object, { unknown: [] })
    const [wrong] = RuntimeClass.validate?.(decoded) ?? []
    if (wrong) throw new Problem('failed', `${filename}: RuntimeClass ${decoded.metadata.name}: ${wrong.field}: ${wrong.message}`)
    return decoded
  })
}

const staleText = (rows: readonly StaleRow[]): string =>
  table(
    ['NAMESPACE', 'POD', 'CLASS', 'NODE', 'HAS', 'DECLARED'],
    rows.map((row) => [row.namespace, row.name, row.class, row.node || '-', row.has, row.declared]),
  )

function changeText({ class: name, stale, counts, noLongerFit }: ClassChange): string {
  if (stale.length === 0) return `RuntimeClass ${name}: no Pod would have an overhead that is out of date.\n`
  const head = `RuntimeClass ${name}: ${stale.length} ${stale.length === 1 ? 'Pod keeps its' : 'Pods keep their'} overhead until recycled:\n`
  const rows = counts.map(({ where, resource, now, after, limit, fits }) => [
    where,
    resource,
    now,
    after,
    limit,
    fits ? 'yes' : 'no',
  ])
  const places = table(['COUNTED BY', 'RESOURCE', 'NOW', 'WHEN RECYCLED', 'LIMIT', 'FITS'], rows)
  const lost = noLongerFit.map(({ pod, where, resource }) => `${pod} would find no room: ${where}, ${resource}\n`)
  return [head, staleText(stale), '\n', places, ...(lost.length > 0 ? ['\n', ...lost] : [])].join('')
}
