import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Container } from '../api/core/container.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { ProbeOnce, ProbeOutcome, ProbeTarget } from './probe-action.ts'
import { prober } from './probe-worker.ts'
import { samplePodWith } from './sample-pod.ts'

type Answers = Partial<Record<'liveness' | 'readiness' | 'startup', ProbeOutcome['result']>>

/** The test decides what each probe finds, by the command it would run; what follows from it is the prober's. */
function setUp(probes: Record<string, unknown>, answers: Answers) {
  const clock = manualClock()
  const told: string[] = []
  const tries: string[] = []
  const startAt = clock.now()
  const seconds = () => (clock.now() - startAt) / 1000
  const probe: ProbeOnce = async (_, { exec }) => {
    const type = exec?.command?.[0] as keyof Answers
    tries.push(`${seconds()} ${type}`)
    return { result: answers[type] ?? 'success', message: 'why' }
  }
  const changes: string[] = []
  const all = prober({
    clock,
    probe,
    events: { event: ({ container }, type, reason, message) => void told.push([container, type, reason, message].join('|')) },
    onChange: (target, type) => void changes.push(`${seconds()} ${type} ${JSON.stringify(all.results(target.containerId))}`),
  })
  const pod = samplePodWith(probes)
  const target: ProbeTarget = {
    pod,
    container: pod.spec.containers[0] as Container,
    containerId: 'c1',
    podIP: '10.244.0.2',
    startedAt: clock.now(),
  }
  all.watch(target)
  return { clock, told, tries, changes, all, target, answers }
}

const exec = (type: string, more: object = {}) => ({ [`${type}Probe`]: { exec: { command: [type] }, ...more } })

describe('prober', () => {
  it('takes a container without probes for healthy, and one it does not know for not started', () => {
    const { all } = setUp({}, {})
    assert.deepEqual(all.results('c1'), { started: true, ready: true, kill: undefined })
    assert.deepEqual(all.results('c2'), { started: false, ready: false, kill: undefined })
  })

  it('waits the initial delay, then probes each period, and tells only changes', async () => {
    const { clock, tries, changes, told, answers } = setUp(exec('readiness', { initialDelaySeconds: 3, periodSeconds: 5 }), {})
    await clock.advance(13_000)
    assert.deepEqual(tries, ['3 readiness', '8 readiness', '13 readiness'])
    assert.deepEqual(changes, ['3 readiness {"started":true,"ready":true}'])
    answers.readiness = 'failure'
    await clock.advance(15_000)
    assert.deepEqual(changes.slice(1), ['28 readiness {"started":true,"ready":false}'])
    assert.deepEqual(told, Array(3).fill('main|Warning|Unhealthy|Readiness probe failed: why'))
  })

  it('asks for the kill after the threshold, and rests', async () => {
    const spec = { periodSeconds: 2, failureThreshold: 2, terminationGracePeriodSeconds: 7 }
    const { clock, tries, changes } = setUp(exec('liveness', spec), { liveness: 'failure' })
    await clock.advance(20_000)
    assert.deepEqual(tries, ['0 liveness', '2 liveness'])
    const kill = { probe: 'liveness', message: 'why', graceSeconds: 7 }
    assert.deepEqual(changes, [`2 liveness ${JSON.stringify({ started: true, ready: true, kill })}`])
  })

  it('wants as many successes in a row as declared', async () => {
    const { clock, changes, answers } = setUp(exec('readiness', { periodSeconds: 1, successThreshold: 3 }), {})
    await clock.advance(1000)
    answers.readiness = 'failure'
    await clock.advance(1000)
    answers.readiness = 'success'
    await clock.advance(3000)
    assert.deepEqual(changes, ['5 readiness {"started":true,"ready":true}'])
  })

  it('holds the others back until startup has succeeded', async () => {
    const probes = {
      ...exec('startup', { periodSeconds: 2, failureThreshold: 10 }),
      ...exec('liveness', { periodSeconds: 10 }),
      ...exec('readiness', { periodSeconds: 10 }),
    }
    const { clock, tries, changes, all, answers } = setUp(probes, { startup: 'failure' })
    await clock.advance(3000)
    assert.deepEqual(all.results('c1'), { started: false, ready: false, kill: undefined })
    answers.startup = 'success'
    await clock.advance(9000)
    assert.deepEqual(tries, ['0 startup', '2 startup', '4 startup', '4 liveness', '4 readiness'])
    assert.deepEqual(changes, ['4 startup {"started":true,"ready":false}', '4 readiness {"started":true,"ready":true}'])
  })

  it('kills for a startup that never comes', async () => {
    const probes = exec('startup', { periodSeconds: 1, failureThreshold: 2 })
    const { clock, all } = setUp(probes, { startup: 'failure' })
    await clock.advance(5000)
    assert.deepEqual(all.results('c1'), { started: false, ready: false, kill: { probe: 'startup', message: 'why' } })
  })

  it('tries again at once what could not be tried, and then lets it be', async () => {
    const { clock, tries, told, all } = setUp(exec('liveness', { failureThreshold: 1 }), { liveness: 'unknown' })
    await clock.advance(0)
    assert.deepEqual(tries, ['0 liveness', '0 liveness', '0 liveness'])
    assert.deepEqual(told, ['main|Warning|Unhealthy|Liveness probe errored and resulted in unknown state: why'])
    assert.equal(all.results('c1').kill, undefined)
  })

  it('keeps only readiness for a Pod that terminates, and nothing after drop', async () => {
    const probes = { ...exec('liveness', { periodSeconds: 1, failureThreshold: 1 }), ...exec('readiness', { periodSeconds: 1 }) }
    const { clock, tries, all, answers } = setUp(probes, {})
    await clock.advance(0)
    answers.liveness = 'failure'
    all.terminating('uid-1')
    await clock.advance(2000)
    assert.deepEqual(tries, ['0 liveness', '0 readiness', '1 readiness', '2 readiness'])
    assert.equal(all.results('c1').kill, undefined)
    all.drop('c1')
    await clock.advance(5000)
    assert.equal(tries.length, 4)
    assert.equal(clock.pending(), 0)
    assert.equal(all.results('c1').ready, false)
  })

  it('starts anew with the next run of the container', async () => {
    const { clock, all, target } = setUp(exec('readiness'), {})
    await clock.advance(0)
    assert.equal(all.results('c1').ready, true)
    all.drop('c1')
    all.watch({ ...target, containerId: 'c2' })
    assert.equal(all.results('c2').ready, false)
    await clock.advance(0)
    assert.equal(all.results('c2').ready, true)
    all.close()
    assert.equal(clock.pending(), 0)
  })
})
