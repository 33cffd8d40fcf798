// Smaller requests: how far a container would have to come down.
import type { Container } from '../../api/core/container.ts'
import type { Pod } from '../../api/core/pod.ts'
import { nanoOf } from '../../api/quantity.ts'
import { amountText } from '../../ledger/amounts.ts'
import type { Side } from '../../ledger/pod-ledger.ts'
import { asWritten } from './as-written.ts'
import { type Operation, pointer, podStep, type Step } from './change.ts'
import type { Facts } from './facts.ts'

/** Too much of `resource`, in nano-units. */
export interface Excess {
  resource: string
  side: Side
  by: bigint
}

const milli = 1_000_000n
const unit = 1_000_000_000n
const mebi = unit * 1024n * 1024n

/** One change of the Pod that gives up all of it; undefined where a Pod asks for less than that. */
export function lowerRequests(facts: Facts, excesses: readonly Excess[]): Step | undefined {
  const pod = asWritten(facts)
  const containers = new Map<number, Container>()
  const said: string[] = []
  for (const excess of excesses) {
    const found = largest(pod, excess, containers)
    if (!found) return undefined
    const { container, at, amount } = found
    const less = roundedDown(excess.resource, amount - excess.by)
    if (less <= 0n && isWhole(excess.resource)) {
      containers.set(at, withoutResource(container, excess.resource))
      said.push(`${excess.resource} of container "${container.name}" to nothing`)
      continue
    }
    if (less <= 0n) return undefined
    const text = amountText(excess.resource, less)
    containers.set(at, withAmount(container, excess, text))
    const what = `${excess.resource} ${excess.side === 'requests' ? 'request' : 'limit'}`
    said.push(`the ${what} of container "${container.name}" from ${amountText(excess.resource, amount)} to ${text}`)
  }
  if (said.length === 0) return undefined
  const patch = [...containers].map(([at, { resources }]): Operation => {
    return { op: 'add', path: pointer('spec', 'containers', at, 'resources'), value: resources }
  })
  return podStep(facts, { summary: `lower ${said.join(' and ')}`, family: 'lower', patch })
}

function largest({ spec }: Pod, { resource, side }: Excess, changed: ReadonlyMap<number, Container>) {
  const all = spec.containers.map((one, at) => {
    const container = changed.get(at) ?? one
    return { container, at, amount: nanoOf(container.resources[side]?.[resource] ?? '0') }
  })
  const found = all.reduce((most, one) => (one.amount > most.amount ? one : most))
  return found.amount > 0n ? found : undefined
}

/** A limit below a request is not allowed, and of some resources both have to be the same. */
function withAmount(container: Container, { resource, side }: Excess, text: string): Container {
  const { requests, limits } = container.resources
  const next = { ...container.resources, [side]: { ...container.resources[side], [resource]: text } }
  const limit = limits?.[resource]
  if (side === 'requests' && limit !== undefined && isWhole(resource)) next.limits = { ...limits, [resource]: text }
  const request = requests?.[resource]
  if (side === 'limits' && request !== undefined && nanoOf(request) > nanoOf(text))
    next.requests = { ...requests, [resource]: text }
  return { ...container, resources: next }
}

/** Devices and huge pages that nobody has. */
function withoutResource(container: Container, resource: string): Container {
  const rest = (list: Record<string, string> | undefined) =>
    list && Object.fromEntries(Object.entries(list).filter(([name]) => name !== resource))
  const { requests, limits } = container.resources
  const resources = { ...container.resources, requests: rest(requests), limits: rest(limits) }
  return { ...container, resources }
}

const isWhole = (resource: string): boolean => resource.includes('/') || resource.startsWith('hugepages-')

function roundedDown(resource: string, nano: bigint): bigint {
  if (resource === 'cpu') return nano - (nano % milli)
  const size = !isWhole(resource) && nano >= mebi ? mebi : unit
  return nano - (nano % size)
}
