import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Secret } from '../api/core/secret.ts'
import { cases } from '../testing/cases.ts'
import { type ManualClock, manualClock } from '../testing/manual-clock.ts'
import type { Runtime } from './cri/runtime.ts'
import { simulatedRuntime } from './cri/sim.ts'
import { goDuration } from './go-duration.ts'
import { imagePuller, ImagePullError } from './image-pull.ts'
import { imageNameError } from './image-reference.ts'
import type { PodEvents } from './pod-events.ts'
import { pullAuths } from './pull-secrets.ts'
import { samplePodWith } from './sample-pod.ts'

function setUp(more: { pullMs?: number; runtime?: Partial<Runtime> } = {}) {
  const clock: ManualClock = manualClock()
  const told: string[] = []
  const sim = simulatedRuntime({ handlers: ['runc'], clock, pullMs: more.pullMs })
  let pulls = 0
  const pullImage: Runtime['pullImage'] = (...args) => {
    pulls += 1
    return sim.pullImage(...args)
  }
  const events = {
    event: (...[{ container }, type, reason, message]: Parameters<PodEvents['event']>) =>
      void told.push([container, type, reason, message].join('|')),
  }
  const puller = imagePuller({ runtime: { ...sim, pullImage, ...more.runtime }, clock, events })
  const ensure = (image: string, imagePullPolicy: string) => {
    const pod = samplePodWith({ image, imagePullPolicy })
    const [container] = pod.spec.containers
    assert(container)
    return puller.ensure(pod, container).catch((error: unknown) => {
      if (!(error instanceof ImagePullError)) throw error
      return { reason: error.reason, message: error.message, retryAfterMs: error.retryAfterMs }
    })
  }
  return { clock, told, ensure, pulls: () => pulls, take: () => told.splice(0) }
}

describe('imagePuller', () => {
  it('pulls what is missing, once, and finds it the next time', async () => {
    const { clock, ensure, pulls, take } = setUp({ pullMs: 1200 })
    const both = [ensure('busybox:1', 'IfNotPresent'), ensure('docker.io/library/busybox:1', 'IfNotPresent')]
    await clock.advance(1200)
    const [one, other] = await Promise.all(both)
    assert.deepEqual(one, other)
    assert.equal(pulls(), 1)
    assert.deepEqual(take(), [
      'main|Normal|Pulling|Pulling image "busybox:1"',
      'main|Normal|Pulling|Pulling image "docker.io/library/busybox:1"',
      'main|Normal|Pulled|Successfully pulled image "busybox:1" in 1.2s (1.2s including waiting). Image size: 1000000 bytes.',
      'main|Normal|Pulled|Successfully pulled image "docker.io/library/busybox:1" in 1.2s (1.2s including waiting). Image size: 1000000 bytes.',
    ])
    assert.deepEqual(await ensure('busybox:1', 'IfNotPresent'), one)
    assert.deepEqual(take(), ['main|Normal|Pulled|Container image "busybox:1" already present on machine'])
    assert.equal(pulls(), 1)
  })

  it('pulls again when told always', async () => {
    const { ensure, pulls } = setUp()
    await ensure('busybox:1', 'Always')
    await ensure('busybox:1', 'Always')
    assert.equal(pulls(), 2)
  })

  it('does not pull when told never', async () => {
    const { ensure, pulls, take } = setUp()
    const message = 'Container image "busybox:1" is not present with pull policy of Never'
    assert.deepEqual(await ensure('busybox:1', 'Never'), { reason: 'ErrImageNeverPull', message, retryAfterMs: 10_000 })
    assert.deepEqual(take(), [`main|Warning|ErrImageNeverPull|${message}`, 'main|Warning|Failed|Error: ErrImageNeverPull'])
    assert.equal(pulls(), 0)
  })

  const name = 'docker.io/library/app:missing'
  const refusal = `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${name}: not found`

  it('backs off from 10 seconds, doubling to 5 minutes, and tells the last failure meanwhile', async () => {
    const { clock, ensure, take } = setUp()
    const first = await ensure('app:missing', 'IfNotPresent')
    assert.deepEqual(first, { reason: 'ErrImagePull', message: refusal, retryAfterMs: 10_000 })
    assert.deepEqual(take(), [
      'main|Normal|Pulling|Pulling image "app:missing"',
      `main|Warning|Failed|Failed to pull image "app:missing": ${refusal}`,
      'main|Warning|Failed|Error: ErrImagePull',
    ])
    await clock.advance(4000)
    const message = `Back-off pulling image "app:missing": ErrImagePull: ${refusal}`
    assert.deepEqual(await ensure('app:missing', 'IfNotPresent'), { reason: 'ImagePullBackOff', message, retryAfterMs: 6000 })
    assert.deepEqual(take(), [
      'main|Normal|BackOff|Back-off pulling image "app:missing"',
      'main|Warning|Failed|Error: ImagePullBackOff',
    ])
    const waits: number[] = []
    for (let wait = 6000; waits.length < 6; ) {
      await clock.advance(wait)
      const again = await ensure('app:missing', 'IfNotPresent')
      assert('retryAfterMs' in again)
      assert.equal(again.reason, 'ErrImagePull')
      waits.push((wait = again.retryAfterMs))
    }
    assert.deepEqual(waits, [20_000, 40_000, 80_000, 160_000, 300_000, 300_000])
    await clock.advance(600_001)
    assert.deepEqual(await ensure('app:missing', 'IfNotPresent'), first)
  })

  it('refuses what is no image name', async () => {
    const { ensure, take } = setUp()
    const why = 'couldn\'t parse image name "bad image": invalid reference format'
    const message = `Failed to apply default image tag "bad image": ${why}`
    assert.deepEqual(await ensure('bad image', 'IfNotPresent'), { reason: 'InvalidImageName', message, retryAfterMs: 10_000 })
    assert.deepEqual(take(), [`main|Warning|InspectFailed|${message}`, 'main|Warning|Failed|Error: InvalidImageName'])
  })

  it('says so when the runtime cannot look', async () => {
    const { ensure } = setUp({ runtime: { imageStatus: () => Promise.reject(new Error('no connection')) } })
    const message = 'Failed to inspect image "busybox": no connection'
    assert.deepEqual(await ensure('busybox', 'IfNotPresent'), { reason: 'ImageInspectError', message, retryAfterMs: 10_000 })
  })
})

describe('imageNameError', () => {
  const hex = 'ab'.repeat(32)
  cases(
    [
      { name: 'busybox', want: undefined },
      { name: 'localhost:5000/a/b_c/d--e:1.2-x', want: undefined },
      { name: `registry.k8s.io/pause@sha256:${hex}`, want: undefined },
      { name: '[::1]:5000/a:b', want: undefined },
      { name: hex, want: `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings` },
      { name: 'Foo/bar', want: 'invalid reference format: repository name (Foo/bar) must be lowercase' },
      { name: '', want: 'invalid reference format' },
      { name: 'a:b:c', want: 'invalid reference format' },
      { name: 'a//b', want: 'invalid reference format' },
    ],
    ({ name, want }) => assert.equal(imageNameError(name), want),
  )
})

describe('goDuration', () => {
  cases(
    [
      { name: 'nothing', ms: 0, want: '0s' },
      { name: 'milliseconds', ms: 15.7, want: '15ms' },
      { name: 'seconds with a fraction', ms: 1200, want: '1.2s' },
      { name: 'minutes', ms: 62_003, want: '1m2.003s' },
      { name: 'hours', ms: 3_600_000, want: '1h0m0s' },
    ],
    ({ ms, want }) => assert.equal(goDuration(ms), want),
  )
})

describe('pullAuths', () => {
  const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64')
  const auths = {
    'https://index.docker.io/v1/': { auth: Buffer.from('hub:a:b').toString('base64') },
    'registry.example.com': { username: 'all', password: 'p' },
    'registry.example.com/team': { username: 'team', password: 'p' },
    '*.mirror.test': { username: 'any', password: 'p' },
  }
  const secret = Secret.decode({ metadata: { name: 'pull' }, data: { '.dockerconfigjson': base64({ auths }) } }, { unknown: [] })
  const told: string[] = []
  const world = {
    configs: { secret: async (_: string, name: string) => (name === 'pull' ? secret : undefined) },
    events: {
      event: (_: unknown, type: string, reason: string, message: string) => void told.push(`${type}|${reason}|${message}`),
    },
  }
  const pod = samplePodWith({}, { imagePullSecrets: [{ name: 'pull' }, { name: 'gone' }] })
  cases(
    [
      { name: 'of Docker Hub', image: 'busybox', want: ['hub:a:b'] },
      { name: 'the more particular one first', image: 'registry.example.com/team/app:1', want: ['team:p', 'all:p'] },
      { name: 'of any host of a domain', image: 'eu.mirror.test/x', want: ['any:p'] },
      { name: 'none of another registry', image: 'quay.io/x/y', want: [] },
    ],
    async ({ image, want }) => {
      const found = await pullAuths(pod, image, world)
      assert.deepEqual(
        found.map(({ username, password }) => `${username}:${password}`),
        want,
      )
    },
  )
  it('tells of Secrets that are missing', () => {
    assert.equal(
      told[0],
      'Warning|FailedToRetrieveImagePullSecret|Unable to retrieve some image pull secrets (gone); attempting to pull the image may not succeed.',
    )
  })
})
