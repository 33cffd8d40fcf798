// Laws of the ledger that hold for every Pod.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { ContainerStatus } from '../api/core/pod-status.ts'
import { accountOf } from './account.ts'
import { type Amounts, amounts, amountText, listOf, raiseTo, sameAmounts, sum } from './amounts.ts'
import { podCgroup } from './cgroup.ts'
import { evictionRequest } from './eviction-request.ts'
import { assumedLedger, type Costed, isPodLevelResource, podLedger } from './pod-ledger.ts'

const resource = fc.constantFrom('cpu', 'memory', 'ephemeral-storage', 'hugepages-2Mi', 'example.com/gpu')
const amount = fc
  .tuple(fc.integer({ min: 0, max: 5000 }), fc.constantFrom('', 'm', 'Mi', 'u'))
  .map(([n, suffix]) => `${n}${suffix}`)
const list = fc.dictionary(resource, amount, { maxKeys: 4 })
const resources = fc.record({ requests: list, limits: list })
const regular = resources.map((r): Container => ({ name: 'c', resources: r }))
const init = fc
  .tuple(resources, fc.boolean())
  .map(([r, sidecar]): Container => ({ name: 'i', resources: r, ...(sidecar ? { restartPolicy: 'Always' } : {}) }))
const pod: fc.Arbitrary<Costed> = fc
  .record({
    containers: fc.array(regular, { minLength: 1, maxLength: 4 }),
    initContainers: fc.array(init, { maxLength: 4 }),
    overhead: fc.option(list, { nil: undefined }),
    resources: fc.option(resources, { nil: undefined, freq: 4 }),
  })
  .map((spec) => ({ spec }))
const side = fc.constantFrom('requests' as const, 'limits' as const)
const same = (a: Amounts, b: Amounts) => assert.ok(sameAmounts(a, b), `${String([...a])} is not ${String([...b])}`)

describe('ledger laws', () => {
  it('the total is base and overhead', () => {
    fc.assert(
      fc.property(pod, side, (p, s) => {
        const { base, overhead, total } = podLedger(p, s)
        same(total, sum([base, overhead]))
      }),
    )
  })

  it('the order of containers does not matter', () => {
    fc.assert(
      fc.property(pod, side, (p, s) => {
        const turned: Costed = { spec: { ...p.spec, containers: p.spec.containers.toReversed() } }
        same(podLedger(turned, s).total, podLedger(p, s).total)
      }),
    )
  })

  it('zero overhead changes no amount', () => {
    fc.assert(
      fc.property(pod, side, (p, s) => {
        const free: Costed = { spec: { ...p.spec, overhead: { cpu: '0', memory: '0' } } }
        const { base, total } = podLedger(free, s)
        for (const [name, total_] of total) assert.equal(total_, base.get(name) ?? 0n)
      }),
    )
  })

  it('overhead raises requests by itself, and limits only where they stand', () => {
    fc.assert(
      fc.property(pod, (p) => {
        const overhead = amounts(p.spec.overhead)
        const bare: Costed = { spec: { ...p.spec, overhead: undefined } }
        same(podLedger(p, 'requests').total, sum([podLedger(bare, 'requests').total, overhead]))
        const before = podLedger(bare, 'limits').total
        const after = podLedger(p, 'limits').total
        assert.deepEqual([...after.keys()].sort(), [...before.keys()].sort())
        for (const [name, limit] of before) assert.equal(after.get(name), limit === 0n ? 0n : limit + (overhead.get(name) ?? 0n))
      }),
    )
  })

  it('a Pod asks for at least as much as each of its containers', () => {
    fc.assert(
      fc.property(pod, side, (p, s) => {
        if (p.spec.resources) return
        const { base } = podLedger(p, s)
        for (const container of [...p.spec.containers, ...(p.spec.initContainers ?? [])])
          for (const [name, own] of amounts(container.resources[s])) assert.ok((base.get(name) ?? -1n) >= own)
      }),
    )
  })

  it('assumptions never lower a request, nor touch an explicit one', () => {
    fc.assert(
      fc.property(pod, (p) => {
        const plain = podLedger(p, 'requests').total
        const assumed = assumedLedger(p).total
        for (const [name, own] of plain) assert.ok((assumed.get(name) ?? -1n) >= own)
        const explicit = p.spec.containers.concat(p.spec.initContainers ?? []).every((c) => c.resources.requests?.['cpu'])
        if (explicit) assert.equal(assumed.get('cpu'), plain.get('cpu'))
      }),
    )
  })

  it('eviction sees the whole request, or nothing of a Pod that asks for nothing itself; with Pod-level resources only those', () => {
    fc.assert(
      fc.property(pod, resource, (p, name) => {
        const { base, total } = podLedger(p, 'requests')
        const atPodLevel = amounts(p.spec.resources?.requests).has(name) && isPodLevelResource(name)
        const seen = p.spec.resources && !atPodLevel ? undefined : base.get(name)
        assert.equal(evictionRequest(p, name), seen ? total.get(name) : 0n)
      }),
    )
  })

  it('sums over Pods are the totals of nodes and namespaces, on whichever of them they lie', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pod, fc.boolean(), fc.boolean()), { maxLength: 6 }), side, (placed, s) => {
        const all = placed.map(([{ spec }, , over]) => ({ spec, status: { phase: over ? 'Failed' : 'Running' } }) as Pod)
        const counted = all.filter(({ status }) => status.phase === 'Running')
        const onNode = (first: boolean) => accountOf(all.filter((_, i) => placed[i]?.[1] === first))
        const [a, b] = [onNode(true), onNode(false)]
        assert.equal(a.pods + b.pods, counted.length)
        const total = sum(counted.map((p) => podLedger(p, s).total))
        same(sum([a[s].total, b[s].total]), total)
        same(accountOf(all)[s].total, total)
        same(sum([a[s].containers, a[s].overhead, b[s].containers, b[s].overhead]), total)
      }),
    )
  })

  it('a resize in place counts as the larger of what is asked for and what is given, in each container, and overhead once', () => {
    const given = fc.array(fc.record({ resources: fc.option(resources, { nil: undefined }), allocatedResources: list }), {
      minLength: 4,
    })
    fc.assert(
      fc.property(pod, given, side, (p, grants, s) => {
        const names = p.spec.containers.map((_, i) => `c${i}`)
        const containers = p.spec.containers.map((c, i) => ({ ...c, name: names[i] ?? '' }))
        const spec = { ...p.spec, containers }
        const containerStatuses = names.map((name, i) => ({ name, ...grants[i] }) as ContainerStatus)
        const larger = containers.map((c, i) => {
          const { resources: has, allocatedResources } = grants[i] ?? {}
          const most = new Map(amounts(c.resources[s]))
          if (has) raiseTo(most, amounts(has[s]))
          if (has && s === 'requests') raiseTo(most, amounts(allocatedResources))
          return { ...c, resources: { ...c.resources, [s]: listOf(most) } }
        })
        same(
          podLedger({ spec, status: { containerStatuses } }, s).total,
          podLedger({ spec: { ...spec, containers: larger } }, s).total,
        )
      }),
    )
  })

  it('without enforced cpu limits a quota is never positive', () => {
    fc.assert(
      fc.property(pod, (p) => {
        const { cpuQuota, ...rest } = podCgroup(p, { cpuLimits: false })
        assert.ok(cpuQuota === undefined || cpuQuota === -1)
        const { cpuQuota: _, ...same_ } = podCgroup(p)
        assert.deepEqual(rest, same_)
      }),
    )
  })

  it('the text of an amount reads back as the amount', () => {
    fc.assert(
      fc.property(resource, fc.bigInt({ min: 0n, max: 2n ** 80n }), (name, nano) => {
        assert.equal(amounts({ [name]: amountText(name, nano) }).get(name), nano)
      }),
    )
  })
})
