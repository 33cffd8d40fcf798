import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { cases } from '../testing/cases.ts'
import { type Consumer, rankByProcesses, rankByUsage } from './eviction-rank.ts'

const mi = 1024 * 1024

interface Given {
  used?: number
  priority?: number
  memory?: string
  storage?: string
  overhead?: string
}

const consumer = (name: string, given: Given): Consumer => {
  const { used, priority, memory, storage, overhead } = given
  const requests = { ...(memory ? { memory } : {}), ...(storage ? { 'ephemeral-storage': storage } : {}) }
  const spec = {
    containers: [{ name: 'a', image: 'i', resources: { requests } }],
    ...(overhead ? { overhead: { memory: overhead } } : {}),
    ...(priority === undefined ? {} : { priority }),
  }
  const pod = Pod.decode({ metadata: { name, namespace: 'default' }, spec }, { unknown: [] })
  return { pod, used: used === undefined ? undefined : used * mi }
}

describe('rankByUsage', () => {
  cases<{ name: string; given: Record<string, Given>; want: string[]; resource?: string }>(
    [
      {
        name: 'more than requested goes before anything else, whatever its priority',
        given: { below: { used: 90, memory: '100Mi', priority: -5 }, above: { used: 20, memory: '10Mi', priority: 1000 } },
        want: ['above', 'below'],
      },
      {
        name: 'exactly as requested is not more',
        given: { exact: { used: 100, memory: '100Mi', priority: -5 }, above: { used: 2, memory: '1Mi' } },
        want: ['above', 'exact'],
      },
      {
        name: 'lower priority next, then the larger excess',
        given: {
          high: { used: 500, priority: 10 },
          small: { used: 60, memory: '50Mi' },
          large: { used: 130, memory: '100Mi' },
        },
        want: ['large', 'small', 'high'],
      },
      {
        name: 'overhead protects who requests something',
        given: {
          plain: { used: 150, memory: '100Mi' },
          sandboxed: { used: 200, memory: '100Mi', overhead: '120Mi' },
        },
        want: ['plain', 'sandboxed'],
      },
      {
        name: 'overhead does not protect who requests nothing',
        given: {
          burstable: { used: 150, memory: '100Mi', overhead: '120Mi' },
          bestEffort: { used: 30, overhead: '120Mi' },
        },
        want: ['bestEffort', 'burstable'],
      },
      {
        name: 'below their requests: lower priority, then whoever is nearer to its request',
        given: {
          near: { used: 90, memory: '100Mi' },
          far: { used: 10, memory: '100Mi' },
          low: { used: 1, memory: '9Mi', priority: -1 },
        },
        want: ['low', 'near', 'far'],
      },
      {
        name: 'of whom nothing is known goes first',
        given: { hog: { used: 1000 }, unknown: { memory: '1Gi', priority: 100 } },
        want: ['unknown', 'hog'],
      },
      {
        name: 'disk looks at ephemeral-storage',
        resource: 'ephemeral-storage',
        given: { kept: { used: 50, storage: '60Mi' }, gone: { used: 10, memory: '1Gi' } },
        want: ['gone', 'kept'],
      },
      {
        name: 'inodes cannot be requested',
        resource: 'inodes',
        given: { few: { used: 10, storage: '1Mi' }, many: { used: 50, storage: '60Mi' } },
        want: ['many', 'few'],
      },
    ],
    ({ given, want, resource = 'memory' }) => {
      const consumers = Object.entries(given).map(([name, each]) => consumer(name, each))
      const names = (list: readonly Consumer[]) => rankByUsage(list, resource).map((pod) => pod.metadata.name)
      assert.deepEqual([names(consumers), names(consumers.toReversed())], [want, want])
    },
  )
})

describe('rankByProcesses', () => {
  cases(
    [
      {
        name: 'priority before numbers',
        given: { many: { used: 9, priority: 5 }, few: { used: 1 }, some: { used: 4 } },
        want: ['some', 'few', 'many'],
      },
    ],
    ({ given, want }) => {
      const consumers = Object.entries<Given>(given).map(([name, each]) => consumer(name, each))
      assert.deepEqual(
        rankByProcesses(consumers).map((pod) => pod.metadata.name),
        want,
      )
    },
  )
})
