// Sections 2 and 11 of the upstream reference, row by row.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { StatusError } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { mapReader, noEffects } from '../testing/map-reader.ts'
import { admitted, type AdmissionRequest } from './chain.ts'
import { runtimeClass } from './runtime-class.ts'

const classOf = (fields: Record<string, unknown>) =>
  RuntimeClass.decode({ metadata: { name: 'gvisor' }, handler: 'runsc', ...fields }, { unknown: [] })

function podOf(spec: Record<string, unknown>, metadata: Record<string, unknown> = { name: 'web', namespace: 'ns' }): Pod {
  const container = { name: 'main', image: 'busybox', resources: { limits: { cpu: '100m' } } }
  return Pod.decode({ metadata, spec: { containers: [container], ...spec } }, { unknown: [] })
}

function requestOf(object: Pod, read = mapReader([]), more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const user = { name: 'admin', groups: [] }
  const { name, namespace } = object.metadata
  return {
    verb: 'create',
    kind: Pod,
    namespace,
    name,
    object,
    user,
    dryRun: false,
    read,
    warn: assert.fail,
    ...noEffects,
    ...more,
  }
}

const forbidden = (why: string, name = 'web') => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: `pods "${name}" is forbidden: ${why}`,
  reason: 'Forbidden',
  details: { name, kind: 'pods' },
  code: 403,
})
const mismatch = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"
const uncalledFor = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'

const named = { runtimeClassName: 'gvisor' }
const podFixed = { cpu: '100m', memory: '64Mi' }
const withOverhead = { overhead: { podFixed } }

describe('RuntimeClass admits', () => {
  cases(
    [
      { name: 'a Pod without a class, untouched', rc: {}, pod: {}, want: {} },
      { name: 'a class without overhead and scheduling, and leaves the Pod as it is', rc: {}, pod: named, want: {} },
      { name: 'and sets the overhead of the class', rc: withOverhead, pod: named, want: { overhead: podFixed } },
      {
        name: 'a Pod that already asks for exactly the overhead (row 4)',
        rc: withOverhead,
        pod: { ...named, overhead: podFixed },
        want: { overhead: podFixed },
      },
      {
        name: 'overheads of equal amount; the spelling of the class wins (row 5)',
        rc: { overhead: { podFixed: { cpu: '1', memory: '1Gi' } } },
        pod: { ...named, overhead: { memory: '1073741824', cpu: '1' } },
        want: { overhead: { cpu: '1', memory: '1Gi' } },
      },
      {
        name: 'canonical spellings whatever the class was written with (row 46)',
        rc: { overhead: { podFixed: { cpu: '0.010', memory: '1024Ki' } } },
        pod: named,
        want: { overhead: { cpu: '10m', memory: '1Mi' } },
      },
      {
        name: 'an empty overhead where the class has an empty one, and drops it',
        rc: { overhead: {} },
        pod: { ...named, overhead: {} },
        want: { overhead: undefined },
      },
      { name: 'null as no overhead (row 3)', rc: {}, pod: { overhead: null }, want: {} },
      {
        name: 'the selector of the class where the Pod has none',
        rc: { scheduling: { nodeSelector: { sandbox: 'yes' } } },
        pod: named,
        want: { nodeSelector: { sandbox: 'yes' } },
      },
      {
        name: 'the same key with the same value, and adds the others (row 7)',
        rc: { scheduling: { nodeSelector: { sandbox: 'yes', zone: 'b' } } },
        pod: { ...named, nodeSelector: { sandbox: 'yes', disk: 'ssd' } },
        want: { nodeSelector: { sandbox: 'yes', disk: 'ssd', zone: 'b' } },
      },
      {
        name: 'tolerations of the class after those of the Pod, none twice (row 8)',
        rc: {
          scheduling: {
            tolerations: [
              { key: 'a', operator: 'Exists' },
              { key: 'b', operator: 'Exists' },
            ],
          },
        },
        pod: {
          ...named,
          tolerations: [
            { key: 'c', operator: 'Exists' },
            { key: 'a', operator: 'Exists' },
          ],
        },
        want: {
          tolerations: [
            { key: 'c', operator: 'Exists' },
            { key: 'a', operator: 'Exists' },
            { key: 'b', operator: 'Exists' },
          ],
        },
      },
      {
        name: 'and leaves the tolerations out when neither side has any',
        rc: { scheduling: {} },
        pod: named,
        want: {},
      },
    ],
    async ({ rc, pod, want }) => {
      const given = podOf(pod)
      const got = await admitted([runtimeClass], requestOf(given, mapReader([classOf(rc)])))
      const expected: Record<string, unknown> = { ...given, spec: { ...given.spec, ...want } }
      assert.deepEqual(JSON.parse(JSON.stringify(got)), JSON.parse(JSON.stringify(expected)))
    },
  )

  it('a class too young for the cache (row 2)', async () => {
    const got = await admitted([runtimeClass], requestOf(podOf(named), mapReader([], [classOf(withOverhead)])))
    assert.deepEqual(got, podOf({ ...named, overhead: podFixed }))
  })

  it('a frozen Pod, without changing it', async () => {
    const given = podOf(named)
    Object.freeze(given.spec)
    await admitted([runtimeClass], requestOf(Object.freeze(given), mapReader([classOf(withOverhead)])))
    assert.deepEqual(given, podOf(named))
  })

  it('updates and subresources without looking at the class (row 9)', async () => {
    const given = podOf({ runtimeClassName: 'deleted', overhead: podFixed })
    const { read } = requestOf(given)
    for (const more of [{ verb: 'update' }, { verb: 'delete' }, { verb: 'create', subresource: 'binding' }] as const)
      assert.equal(await admitted([runtimeClass], requestOf(given, read, more)), given)
  })
})

describe('RuntimeClass refuses', () => {
  const unnamed = { generateName: 'web-', namespace: 'ns' }
  cases(
    [
      {
        name: 'an unknown class (row 1)',
        rc: {},
        pod: podOf({ runtimeClassName: 'nope' }),
        want: forbidden('pod rejected: RuntimeClass "nope" not found'),
      },
      {
        name: 'the empty class name: it is not the default class',
        rc: {},
        pod: podOf({ runtimeClassName: '' }),
        want: forbidden('pod rejected: RuntimeClass "" not found'),
      },
      {
        name: 'a Pod that has only a generateName, by that',
        rc: {},
        pod: podOf({ runtimeClassName: 'nope' }, unnamed),
        want: forbidden('pod rejected: RuntimeClass "nope" not found', 'web-'),
      },
      {
        name: 'a Pod without any name, as Unknown',
        rc: {},
        pod: podOf({ runtimeClassName: 'nope' }, { namespace: 'ns' }),
        want: forbidden('pod rejected: RuntimeClass "nope" not found', 'Unknown'),
      },
      {
        name: 'another overhead than that of the class',
        rc: withOverhead,
        pod: podOf({ ...named, overhead: { cpu: '200m', memory: '64Mi' } }),
        want: forbidden(mismatch),
      },
      {
        name: 'an overhead with a resource less',
        rc: withOverhead,
        pod: podOf({ ...named, overhead: { cpu: '100m' } }),
        want: forbidden(mismatch),
      },
      {
        name: 'an empty overhead where the class has one',
        rc: withOverhead,
        pod: podOf({ ...named, overhead: {} }),
        want: forbidden(mismatch),
      },
      {
        name: 'an overhead when the class has none (row 6)',
        rc: {},
        pod: podOf({ ...named, overhead: podFixed }),
        want: forbidden(uncalledFor),
      },
      { name: 'an overhead without a class', rc: {}, pod: podOf({ overhead: podFixed }), want: forbidden(uncalledFor) },
      { name: 'even an empty one (row 3)', rc: {}, pod: podOf({ overhead: {} }), want: forbidden(uncalledFor) },
      {
        name: 'a selector with another value',
        rc: { scheduling: { nodeSelector: { zone: 'a' } } },
        pod: podOf({ ...named, nodeSelector: { zone: 'b' } }),
        want: forbidden('conflict: runtimeClass.scheduling.nodeSelector[zone] = a; pod.spec.nodeSelector[zone] = b'),
      },
      {
        name: 'a selector with an empty value against another',
        rc: { scheduling: { nodeSelector: { zone: '' } } },
        pod: podOf({ ...named, nodeSelector: { zone: 'b' } }),
        want: forbidden('conflict: runtimeClass.scheduling.nodeSelector[zone] = ; pod.spec.nodeSelector[zone] = b'),
      },
      {
        name: 'the overhead first when the selector is wrong too',
        rc: { ...withOverhead, scheduling: { nodeSelector: { zone: 'a' } } },
        pod: podOf({ ...named, overhead: {}, nodeSelector: { zone: 'b' } }),
        want: forbidden(mismatch),
      },
    ],
    async ({ rc, pod, want }) => {
      for (const dryRun of [false, true]) {
        const request = requestOf(pod, mapReader([classOf(rc)]), { dryRun })
        const error = await admitted([runtimeClass], request).catch((thrown: unknown) => thrown)
        assert.ok(error instanceof StatusError)
        assert.deepEqual(error.status, want)
      }
    },
  )

  it('an overhead that another plugin changed afterwards', async () => {
    const meddler = {
      name: 'Meddler',
      verbs: ['create'] as const,
      mutate: ({ object }: AdmissionRequest) => podOf({ ...(object as Pod).spec, overhead: { cpu: '1' } }),
    }
    const request = requestOf(podOf(named), mapReader([classOf(withOverhead)]))
    const error = await admitted([runtimeClass, meddler], request).catch((thrown: unknown) => thrown)
    assert.ok(error instanceof StatusError)
    assert.deepEqual(error.status, forbidden(mismatch))
  })
})
