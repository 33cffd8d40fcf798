// Each kind of disagreement, planted and seen named with the objects that cause it.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { cases } from '../testing/cases.ts'
import {
  type CgroupCounts,
  checkLedger,
  countsOf,
  type Disagreement,
  disagreementText,
  lasting,
  type LedgerFacts,
} from './check.ts'

const into = { unknown: [] }
const podOf = (name: string, spec: object = {}, status: object = { phase: 'Running' }, metadata: object = {}) =>
  Pod.decode(
    {
      metadata: { name, namespace: 'default', uid: `uid-${name}`, ...metadata },
      spec: {
        nodeName: 'a',
        containers: [
          {
            name: 'c',
            image: 'i',
            resources: { requests: { cpu: '100m', memory: '1Mi' }, limits: { cpu: '100m', memory: '1Mi' } },
          },
        ],
        ...spec,
      },
      status,
    },
    into,
  )
const kata = { runtimeClassName: 'kata', overhead: { cpu: '250m', memory: '120Mi' } }
const classOf = (name: string, podFixed?: object) =>
  RuntimeClass.decode({ metadata: { name }, handler: name, ...(podFixed ? { overhead: { podFixed } } : {}) }, into)
const node = Node.decode({ metadata: { name: 'a' }, status: { allocatable: { cpu: '1', memory: '1Gi', pods: '3' } } }, into)

const web = podOf('web', kata)
const plain = podOf('plain', { runtimeClassName: 'runc' })
const pods = [web, plain]
const counted = (...of: Pod[]) => ({
  node: 'a',
  requested: of.reduce<Record<string, number>>((sum, pod) => {
    for (const [name, count] of Object.entries(countsOf(pod))) sum[name] = (sum[name] ?? 0) + count
    return sum
  }, {}),
  pods: Object.fromEntries(
    of.map((pod) => [`uid-${pod.metadata.name}`, { name: `Pod default/${pod.metadata.name}`, requested: countsOf(pod) }]),
  ),
})
const mi = 1024 * 1024
const filesOf = (name: string, cpuQuota: number, memoryLimitBytes: number, cpuShares: number): CgroupCounts => ({
  ...{ uid: `uid-${name}`, cpuQuota, memoryLimitBytes, cpuShares },
})
const webFiles = filesOf('web', 35_000, 121 * mi, 358)
const plainFiles = filesOf('plain', 10_000, mi, 102)
const filesOn = (...of: CgroupCounts[]) => [
  { node: 'a', pods: of, sameShares: (wanted: number, found: number) => wanted === found },
]
const healthy: LedgerFacts = {
  pods,
  nodes: [node],
  classes: [classOf('kata', { cpu: '0.25', memory: '120Mi' }), classOf('runc')],
  scheduler: [counted(web, plain)],
  kubelets: [counted(web, plain)],
  quotas: [
    { namespace: 'default', name: 'q', used: { 'requests.cpu': '450m' }, computed: { 'requests.cpu': '0.45' }, users: {} },
  ],
  cgroups: filesOn(webFiles, plainFiles),
}
const onNode = { kind: 'Node', name: 'a' } as const
const inDefault = { kind: 'Namespace', name: 'default' } as const

describe('the check of the ledger', () => {
  it('finds nothing where all agree', () => assert.deepEqual(checkLedger(healthy), []))

  it('leaves Pods alone that are over, are not bound, have just been bound, or go', () => {
    const others = [
      podOf('over', { ...kata, overhead: { cpu: '9' } }, { phase: 'Failed' }),
      podOf('pending', { nodeName: '', ...kata }, { phase: 'Pending' }),
    ]
    assert.deepEqual(checkLedger({ ...healthy, pods: [...pods, ...others] }), [])
    const going = podOf('web', kata, undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' })
    const young = podOf('plain', { runtimeClassName: 'runc' }, { phase: 'Pending' })
    assert.deepEqual(checkLedger({ ...healthy, pods: [going, young], kubelets: [counted(plain)], cgroups: filesOn() }), [])
    assert.deepEqual(checkLedger({ ...healthy, pods: [going, young], cgroups: filesOn() }), [])
  })

  const rows: { name: string; planted: Partial<LedgerFacts>; finds: Disagreement[] }[] = [
    {
      name: 'a class that was edited',
      planted: { classes: [classOf('kata', { cpu: '300m', memory: '120Mi' }), classOf('runc')] },
      finds: [
        {
          ...{ kind: 'StaleOverhead', about: inDefault, what: 'overhead of RuntimeClass kata' },
          ...{ expected: 'cpu=300m,memory=120Mi', found: 'cpu=250m,memory=120Mi' },
          causes: ['RuntimeClass kata', 'Pod default/web'],
        },
      ],
    },
    {
      name: 'a class that got an overhead later, and one that is gone',
      planted: { classes: [classOf('runc', { cpu: '1m' })] },
      finds: [
        {
          ...{ kind: 'StaleOverhead', about: inDefault, what: 'overhead of RuntimeClass kata' },
          ...{ expected: 'none (the class is gone)', found: 'cpu=250m,memory=120Mi' },
          causes: ['RuntimeClass kata', 'Pod default/web'],
        },
        {
          ...{
            kind: 'StaleOverhead',
            about: inDefault,
            what: 'overhead of RuntimeClass runc',
            expected: 'cpu=1m',
            found: 'none',
          },
          causes: ['RuntimeClass runc', 'Pod default/plain'],
        },
      ],
    },
    {
      name: 'a node that shrank below its Pods',
      planted: { nodes: [{ ...node, status: { ...node.status, allocatable: { cpu: '449m', memory: '1Gi', pods: '1' } } }] },
      finds: [
        {
          ...{ kind: 'AllocatableExceeded', about: onNode, what: 'cpu', expected: 'at most 449m', found: '450m' },
          causes: ['Pod default/web', 'Pod default/plain'],
        },
        {
          ...{ kind: 'AllocatableExceeded', about: onNode, what: 'pods', expected: 'at most 1', found: '2' },
          causes: ['Pod default/web', 'Pod default/plain'],
        },
      ],
    },
    {
      name: 'a scheduler that forgot the overhead of a Pod',
      planted: {
        scheduler: [
          {
            ...counted(web, plain),
            requested: { cpu: 200, memory: 122 * mi },
            pods: {
              ...counted(web, plain).pods,
              'uid-web': { name: 'Pod default/web', requested: { cpu: 100, memory: 121 * mi } },
            },
          },
        ],
      },
      finds: [
        { kind: 'SchedulerDiffers', about: onNode, what: 'cpu', expected: '450m', found: '200m', causes: ['Pod default/web'] },
      ],
    },
    {
      name: 'a scheduler that still counts a Pod that is gone, and missed another',
      planted: { scheduler: [counted(web, podOf('gone', { runtimeClassName: 'runc' }))] },
      finds: [
        {
          kind: 'SchedulerDiffers',
          about: onNode,
          what: 'pods',
          expected: '2',
          found: '2',
          causes: ['Pod default/gone', 'Pod default/plain'],
        },
      ],
    },
    {
      name: 'a scheduler that does not know the node',
      planted: { pods: [plain], scheduler: [], kubelets: [], cgroups: filesOn(plainFiles) },
      finds: (
        [
          ['cpu', '100m', '0m'],
          ['memory', String(mi), '0'],
          ['pods', '1', '0'],
        ] as const
      ).map(([what, expected, found]) => ({
        ...{ kind: 'SchedulerDiffers' as const, about: onNode, what, expected, found, causes: ['Pod default/plain'] },
      })),
    },
    {
      name: 'a kubelet that let a Pod in without its overhead, and did not give up one that is over',
      planted: {
        kubelets: [
          {
            ...counted(web, plain),
            requested: { cpu: 300, memory: 2 * mi },
            pods: {
              ...counted(plain).pods,
              'uid-web': { name: 'Pod default/web', requested: { cpu: 100, memory: mi } },
              'uid-over': { name: 'Pod default/over', requested: { cpu: 100 } },
            },
          },
        ],
      },
      finds: (
        [
          ['cpu', '450m', '300m', ['Pod default/web', 'Pod default/over']],
          ['memory', String(122 * mi), String(2 * mi), ['Pod default/web']],
          ['pods', '2', '3', ['Pod default/over']],
        ] as const
      ).map(([what, expected, found, causes]) => ({
        ...{ kind: 'KubeletDiffers' as const, about: onNode, what, expected, found, causes: [...causes] },
      })),
    },
    {
      name: 'a sum that is not that of its Pods',
      planted: { kubelets: [{ ...counted(web, plain), requested: { cpu: 451, memory: 122 * mi } }] },
      finds: [
        {
          ...{ kind: 'KubeletDiffers', about: onNode, what: 'cpu', expected: '450m', found: '451m' },
          causes: ['the sum the kubelet keeps, not one Pod of it'],
        },
      ],
    },
    {
      name: 'a quota that counts what is not there',
      planted: {
        quotas: [
          {
            namespace: 'default',
            name: 'q',
            used: { pods: '3', 'limits.cpu': '1' },
            computed: { pods: '2' },
            users: { pods: ['Pod default/web'], 'limits.cpu': ['Pod default/plain'] },
          },
        ],
      },
      finds: [
        {
          ...{ kind: 'QuotaDiffers', about: inDefault, what: 'pods of ResourceQuota q', expected: '2', found: '3' },
          causes: ['ResourceQuota default/q', 'Pod default/web'],
        },
      ],
    },
    {
      name: 'cgroup files without the overhead',
      planted: {
        cgroups: filesOn({ ...webFiles, cpuQuota: 10_000, cpuShares: 102 }, { ...plainFiles, memoryLimitBytes: undefined }),
      },
      finds: [
        {
          ...{ kind: 'CgroupDiffers', about: onNode, what: 'cpu shares of Pod default/web', expected: '358', found: '102' },
          causes: ['Pod default/web'],
        },
        {
          ...{ kind: 'CgroupDiffers', about: onNode, what: 'cpu quota of Pod default/web', expected: '35000', found: '10000' },
          causes: ['Pod default/web'],
        },
        {
          ...{
            kind: 'CgroupDiffers',
            about: onNode,
            what: 'memory limit of Pod default/plain',
            expected: String(mi),
            found: 'unlimited',
          },
          causes: ['Pod default/plain'],
        },
      ],
    },
    {
      name: 'a cgroup that is missing, and one of nobody',
      planted: { cgroups: filesOn(webFiles, { uid: 'uid-x' }) },
      finds: [
        {
          kind: 'CgroupUnknown',
          about: onNode,
          what: 'cgroup poduid-x',
          expected: 'no cgroup',
          found: 'a cgroup',
          causes: ['cgroup poduid-x'],
        },
        {
          kind: 'CgroupMissing',
          about: onNode,
          what: 'cgroup poduid-plain',
          expected: 'a cgroup',
          found: 'none',
          causes: ['Pod default/plain'],
        },
      ],
    },
  ]
  cases(rows, (row) => assert.deepEqual(checkLedger({ ...healthy, ...row.planted }), row.finds))

  it('reads as one line', () => {
    const [found] = checkLedger({ ...healthy, classes: [classOf('kata', {}), classOf('runc')] })
    assert.equal(
      found && disagreementText(found),
      'StaleOverhead: Namespace default: overhead of RuntimeClass kata: expected none, found cpu=250m,memory=120Mi (RuntimeClass kata, Pod default/web)',
    )
  })
  it('lasts when the same objects cause it in both looks, and a quota is wrong by as much', () => {
    const pods = (found: string, ...causes: string[]): Disagreement => ({
      ...{ kind: 'SchedulerDiffers', about: onNode, what: 'pods', expected: '2', found, causes },
    })
    const quota = (expected: string, found: string): Disagreement => ({
      ...{
        kind: 'QuotaDiffers',
        about: inDefault,
        what: 'pods of ResourceQuota q',
        expected,
        found,
        causes: ['ResourceQuota q'],
      },
    })
    assert.deepEqual(lasting([pods('3', 'Pod a', 'Pod b')], [pods('4', 'Pod b', 'Pod c')]), [pods('4', 'Pod b')])
    assert.deepEqual(lasting([pods('3', 'Pod a'), quota('2', '3')], [pods('3', 'Pod b'), quota('9', '8')]), [])
    assert.deepEqual(lasting([quota('2', '3')], [quota('9', '10')]), [quota('9', '10')])
  })
})
