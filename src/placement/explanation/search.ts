// The smallest changes that let a Pod run. Each is tried on the facts with the rules that decide in earnest, and told only when it works.
import { applied, type Step } from './change.ts'
import { Node } from '../../api/core/node.ts'
import { type Admit, allOf, type Around, type Facts } from './facts.ts'
import { type Blocker, isFree, type Outlook, outlookOf } from './outlook.ts'
import { propose } from './propose-pod.ts'

export interface CheckedChange {
  steps: readonly Step[]
  /** Where the Pod would go. */
  node?: string | undefined
}

interface State {
  facts: Facts
  outlook: Outlook
  steps: readonly Step[]
}

const mostSteps = 3
const mostTold = 5
/** Of the states that are better and not good, those that are gone on from. */
const width = 6
/** cost: each try asks every filter about every node, so that there are fewer of them where nodes are many. */
const triesFor = (facts: Facts): number => Math.max(60, Math.min(400, Math.floor(60_000 / (allOf(facts, Node).length + 1))))

/** In the order of their cost. Empty when three steps are not enough, or nobody but the Pod's author can help. */
export async function checkedChanges(facts: Facts, outlook: Outlook, { admit, pause }: Around): Promise<CheckedChange[]> {
  let open: State[] = [{ facts, outlook, steps: [] }]
  let left = triesFor(facts)
  for (let depth = 1; depth <= mostSteps && open.length > 0; depth++) {
    const good: State[] = []
    const better: State[] = []
    for (const { from, step } of candidates(open)) {
      if (left <= 0) break
      left -= 1
      await pause()
      const next = await tried(from, step, admit)
      if (!next) continue
      if (isFree(next.outlook)) good.push(next)
      else if (isProgress(from.outlook, next.outlook)) better.push(next)
    }
    if (good.length > 0) return told(good)
    open = better.sort(byCost).slice(0, width)
  }
  return []
}

function* candidates(open: readonly State[]): Generator<{ from: State; step: Step }> {
  for (const from of open) {
    const all = from.outlook.blockers.flatMap((blocker) => propose(from.facts, blocker))
    // several obstacles may lead to the same thought
    const cheapest = new Map<string, Step>()
    for (const step of all)
      if (step.cost < (cheapest.get(step.summary)?.cost ?? Number.POSITIVE_INFINITY)) cheapest.set(step.summary, step)
    for (const step of cheapest.values()) yield { from, step }
  }
}

async function tried({ facts, steps }: State, step: Step, admit: Admit): Promise<State | undefined> {
  const next = applied(facts, step)
  return next && { facts: next, outlook: await outlookOf(next, admit), steps: [...steps, step] }
}

const costOf = ({ steps }: State): number => steps.reduce((sum, { cost }) => sum + cost, 0)
const byCost = (a: State, b: State): number => costOf(a) - costOf(b)

function told(good: readonly State[]): CheckedChange[] {
  const families = new Set<string>()
  return [...good].sort(byCost).flatMap(({ steps, outlook }) => {
    const family = steps.map(familyOf).sort().join('\n')
    if (families.has(family) || families.size >= mostTold) return []
    families.add(family)
    return [{ steps, node: outlook.node }]
  })
}

/** Of steps of one family, the cheapest is enough to be told: one of the nodes, one of the numbers. */
const familyOf = ({ family, summary }: Step): string => family ?? summary

/** Something that was in the way is no more, or less of it. */
function isProgress(before: Outlook, after: Outlook): boolean {
  const keys = new Set(after.blockers.flatMap(keysOf))
  return before.blockers.flatMap(keysOf).some((key) => !keys.has(key))
}

function keysOf(blocker: Blocker): string[] {
  switch (blocker.is) {
    case 'Admission':
      return [blocker.refused.message ?? '']
    case 'Unplaced': {
      const { rejected } = blocker.unplaced
      const whole = rejected ? [rejected.reason.text] : []
      const ofNodes = blocker.refusals.map(
        ({ node, filter, reasons }) => `${node.name} ${filter} ${reasons.map(({ text }) => text).join()}`,
      )
      return [...whole, ...ofNodes]
    }
    case 'Config':
      return [`${blocker.missing.path} ${blocker.missing.name} ${blocker.missing.keys.join()}`]
    case 'UnmountableVolume':
      return [blocker.volume.path]
    case 'Observed':
      return [`${blocker.observed.type} ${blocker.observed.container ?? ''}`]
    default:
      return [blocker.is as string]
  }
}
