// Checks the ledger every five minutes, as far as the API shows it, and says on nodes and namespaces what does not add up.
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { checkLedger, type Disagreement, disagreementText } from '../ledger/check.ts'
import { quotaCounts } from '../ledger/quota-counts.ts'
import { type Controller, watching, type World } from './controller.ts'

const everyMs = 5 * 60_000
/** What is found is looked at once more before it is said: mirrors of Pods and of classes are not of the same moment. */
const againMs = 10_000
/** So many causes are named in an Event. */
const maxCauses = 8

/** `onChecked` hears what each check found, for metrics. */
export function ledgerCheck(onChecked: (found: readonly Disagreement[]) => void = () => {}): Controller {
  let suspected = new Set<string>()
  return {
    name: 'ledger-check',
    watches: [
      watching(Pod, () => []),
      watching(Node, () => []),
      watching(RuntimeClass, () => []),
      watching(ResourceQuota, () => []),
    ],
    starts: [{ name: 'ledger' }],
    async reconcile(_, world) {
      const { mirrored, clock } = world
      const pods = mirrored(Pod).list()
      const quotas = quotaCounts(mirrored(ResourceQuota).list(), pods, clock.now())
      const found = checkLedger({ pods, quotas, nodes: mirrored(Node).list(), classes: mirrored(RuntimeClass).list() })
      const sure = found.filter((one) => suspected.has(keyOf(one)))
      const fresh = found.length > sure.length
      suspected = new Set(found.map(keyOf))
      if (fresh) return { againMs }
      onChecked(sure)
      for (const one of sure) await tell(world, one)
      return { againMs: everyMs }
    },
  }
}

const keyOf = ({ kind, about, what }: Disagreement): string => JSON.stringify([kind, about, what])

async function tell({ client, events }: World, found: Disagreement): Promise<void> {
  const { kind, name } = found.about
  const regarding = kind === 'Node' ? await client.get(Node, { name }) : await client.get(Namespace, { name })
  const hidden = found.causes.length - maxCauses
  const causes = hidden > 0 ? [...found.causes.slice(0, maxCauses), `and ${hidden} more`] : found.causes
  events.event(regarding, 'Warning', 'LedgerDisagreement', disagreementText({ ...found, causes }))
}
