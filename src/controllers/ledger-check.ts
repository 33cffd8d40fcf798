// Checks the ledger every five minutes, and says on nodes and namespaces what does not add up.
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { checkLedger, type Disagreement, disagreementText, lasting, type LedgerFacts } from '../ledger/check.ts'
import { quotaCounts, quotaObjects } from '../ledger/quota-counts.ts'
import { type Controller, watching, type World } from './controller.ts'

const everyMs = 5 * 60_000
/** What is found is looked at once more before it is said: mirrors of Pods and of classes are not of the same moment. */
const againMs = 10_000
/** So many causes are named in an Event. */
const maxCauses = 8

/** What everybody else counts at this moment. */
export type Heard = Pick<LedgerFacts, 'scheduler' | 'kubelets' | 'cgroups'>

export interface LedgerCheckOptions {
  /** Hears what each check found, for metrics. */
  onChecked?: ((found: readonly Disagreement[]) => void) | undefined
  /** Default: only what the API shows is compared. */
  hear?: (() => Promise<Heard>) | undefined
}

export function ledgerCheck({ onChecked = () => {}, hear = async () => ({}) }: LedgerCheckOptions = {}): Controller {
  let suspected: readonly Disagreement[] = []
  let isSecondLook = false
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
      const { client, mirrored, clock } = world
      const heard = await hear()
      const pods = mirrored(Pod).list()
      const budgets = mirrored(ResourceQuota).list()
      const limited = await quotaObjects(budgets, async (kind) =>
        kind === Pod ? mirrored(Pod).list() : (await client.list(kind)).items,
      )
      const quotas = quotaCounts(budgets, limited, clock.now())
      const found = checkLedger({ ...heard, pods, quotas, nodes: mirrored(Node).list(), classes: mirrored(RuntimeClass).list() })
      const sure = lasting(suspected, found)
      suspected = found
      isSecondLook = !isSecondLook && sure.length < found.length
      if (isSecondLook) return { againMs }
      onChecked(sure)
      for (const one of sure) await tell(world, one)
      return { againMs: everyMs }
    },
  }
}

async function tell({ client, events }: World, found: Disagreement): Promise<void> {
  const { kind, name } = found.about
  const regarding = kind === 'Node' ? await client.get(Node, { name }) : await client.get(Namespace, { name })
  const hidden = found.causes.length - maxCauses
  const causes = hidden > 0 ? [...found.causes.slice(0, maxCauses), `and ${hidden} more`] : found.causes
  events.event(regarding, 'Warning', 'LedgerDisagreement', disagreementText({ ...found, causes }))
}
