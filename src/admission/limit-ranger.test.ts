import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { LimitRange } from '../api/core/limit-range.ts'
import { Pod } from '../api/core/pod.ts'
import { cases } from '../testing/cases.ts'
import { mapReader, noEffects } from '../testing/map-reader.ts'
import { refusal } from '../testing/refusal.ts'
import { type AdmissionRequest, admitted } from './chain.ts'
import { limitRanger } from './limit-ranger.ts'

const rangeOf = (name: string, ...limits: object[]): LimitRange =>
  LimitRange.decode({ metadata: { name, namespace: 'ns' }, spec: { limits } }, { unknown: [] })
const containerOf = (name: string, resources: object = {}) => ({ name, image: 'i', resources })
const podOf = (spec: object): Pod => Pod.decode({ metadata: { name: 'web', namespace: 'ns' }, spec }, { unknown: [] })

const admit = async (pod: Pod, ranges: LimitRange[], more: Partial<AdmissionRequest> = {}): Promise<Pod> => {
  const request = { verb: 'create', kind: Pod, namespace: 'ns', name: 'web', object: pod, dryRun: false, ...noEffects } as const
  const user = { name: 'admin', groups: [] }
  const read = mapReader(ranges)
  return (await admitted([limitRanger], { ...request, user, read, warn: assert.fail, ...more })) as Pod
}

describe('LimitRanger', () => {
  const defaults = rangeOf('defaults', {
    type: 'Container',
    default: { cpu: '500m', memory: '512Mi' },
    defaultRequest: { cpu: '100m' },
  })

  it('gives containers what they do not ask for, and says so', async () => {
    const initContainers = [containerOf('init', { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } })]
    const pod = podOf({ initContainers, containers: [containerOf('a'), containerOf('b', { requests: { cpu: '50m' } })] })
    const { metadata, spec } = await admit(pod, [defaults])
    const limits = { cpu: '500m', memory: '512Mi' }
    assert.deepEqual(
      [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources),
      [
        { requests: { cpu: '100m', memory: '512Mi' }, limits },
        { requests: { cpu: '50m', memory: '512Mi' }, limits },
        { requests: { cpu: '1', memory: '1Gi' }, limits: { cpu: '1', memory: '1Gi' } },
      ],
    )
    assert.deepEqual(metadata.annotations, {
      'kubernetes.io/limit-ranger':
        'LimitRanger plugin set: cpu, memory request for container a; cpu, memory limit for container a; memory request for container b; cpu, memory limit for container b',
    })
  })

  it('leaves updates and Pods that ask for everything alone', async () => {
    const full = podOf({ containers: [containerOf('a', { limits: { cpu: '1', memory: '1Gi' } })] })
    const bare = podOf({ containers: [containerOf('a')] })
    assert.equal(await admit(full, [defaults]), full)
    assert.equal(await admit(bare, [defaults], { verb: 'update', old: bare }), bare)
  })

  const asked = (requests: object, limits: object, spec: object = {}) =>
    podOf({ containers: [containerOf('a', { requests, limits })], ...spec })
  const ofContainers = (more: object) => [rangeOf('r', { type: 'Container', ...more })]
  const ofPods = (more: object) => [rangeOf('r', { type: 'Pod', ...more })]

  describe('refuses', () => {
    cases(
      [
        {
          name: 'a request below the minimum',
          ranges: ofContainers({ min: { cpu: '100m' } }),
          pod: asked({ cpu: '50m' }, {}),
          want: 'minimum cpu usage per Container is 100m, but request is 50m',
        },
        {
          name: 'a limit above the maximum',
          ranges: ofContainers({ max: { memory: '1Gi' } }),
          pod: asked({ memory: '1Gi' }, { memory: '1025Mi' }),
          want: 'maximum memory usage per Container is 1Gi, but limit is 1025Mi',
        },
        {
          name: 'a limit in the suffixes it was written in',
          ranges: [...ofContainers({ max: { memory: '60M' } }), ...ofPods({ max: { memory: '1M' } })],
          pod: asked({ memory: '64M' }, { memory: '64M' }),
          want: 'maximum memory usage per Container is 60M, but limit is 64M',
        },
        {
          name: 'a sum in the suffixes of its first amount',
          ranges: ofPods({ max: { memory: '1G' } }),
          pod: podOf({ containers: ['1024M', '1Ki'].map((memory) => containerOf(memory, { limits: { memory } })) }),
          want: 'maximum memory usage per Pod is 1G, but limit is 1024001024',
        },
        {
          name: 'a limit too far above its request',
          ranges: ofContainers({ maxLimitRequestRatio: { memory: '2' } }),
          pod: asked({ memory: '100Mi' }, { memory: '300Mi' }),
          want: 'memory max limit to request ratio per Container is 2, but provided ratio is 3.000000',
        },
        {
          name: 'no request where a ratio is set',
          ranges: ofContainers({ maxLimitRequestRatio: { memory: '2' } }),
          pod: asked({}, {}),
          want: 'memory max limit to request ratio per Container is 2, but no request is specified or request is 0',
        },
        {
          name: 'Pods that say nothing where Pods have bounds, with every fault',
          ranges: ofPods({ min: { cpu: '100m' }, max: { memory: '1Gi' } }),
          pod: asked({}, {}),
          want: '[minimum cpu usage per Pod is 100m.  No request is specified, maximum memory usage per Pod is 1Gi.  No limit is specified]',
        },
        {
          name: 'a Pod whose containers sum up to too much',
          ranges: ofPods({ max: { cpu: '1' } }),
          pod: podOf({ containers: ['a', 'b'].map((name) => containerOf(name, { limits: { cpu: '600m' } })) }),
          want: 'maximum cpu usage per Pod is 1, but limit is 1200m',
        },
        {
          name: 'a Pod that is too small but for its overhead',
          ranges: ofPods({ min: { memory: '128Mi' } }),
          pod: asked({ memory: '100Mi' }, {}, { overhead: { memory: '120Mi' } }),
          want: 'minimum memory usage per Pod is 128Mi, but request is 100Mi',
        },
      ],
      async ({ ranges, pod, want }) =>
        assert.equal(await refusal(admit(pod, ranges)), `403 Forbidden: pods "web" is forbidden: ${want}`),
    )
  })

  it('does not count overhead against a maximum', async () => {
    const pod = asked({ memory: '100Mi' }, { memory: '100Mi' }, { overhead: { memory: '120Mi' } })
    assert.equal(await admit(pod, ofPods({ max: { memory: '128Mi' } })), pod)
  })
})
