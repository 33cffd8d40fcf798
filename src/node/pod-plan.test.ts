import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Pod } from '../api/core/pod.ts'
import { cases } from '../testing/cases.ts'
import { keyOfStep, type PlanFacts } from './plan-step.ts'
import { planPod } from './pod-plan.ts'
import type { ProbeResults } from './probe-worker.ts'
import { samplePod } from './sample-pod.ts'
import { sampleRun as run, sampleSandboxSeen as sandbox, sampleSeen as seen } from './sample-seen.ts'
import { nothingSeen, type Seen } from './seen.ts'

const image = 'busybox:1'
const two = [
  { name: 'a', image },
  { name: 'b', image },
]
const init = { name: 'init', image }
const sidecar = { name: 'side', image, restartPolicy: 'Always' }

const healthy: ProbeResults = { started: true, ready: true, kill: undefined }
const facts = (more: Partial<PlanFacts> = {}): PlanFacts => ({
  ...{ now: 21_000, busy: new Set(), ending: false, mounted: true, stale: false, notBefore: new Map(), crashes: new Map() },
  pulled: new Set(['main', 'a', 'b', 'init', 'side']),
  probes: () => healthy,
  ...{ stoppedSandboxes: new Set(), released: false },
  ...more,
})
const fresh = facts({ mounted: false, pulled: new Set() })
const busy = (...keys: string[]): Partial<PlanFacts> => ({ busy: new Set(keys) })
const ending = (more: Partial<PlanFacts> = {}) => facts({ ending: true, ...more })
const dead = { sandboxes: [sandbox('notready')], ips: [] }
const deadStopped = facts({ stoppedSandboxes: new Set(['sandbox-0']) })
const exited = (name: string, exitCode = 0, more = {}) => run(name, 'exited', { exitCode, ...more })
const running = (name: string, more = {}) => run(name, 'running', more)

interface Row {
  name: string
  pod: Pod
  seen: Seen
  facts?: PlanFacts
  /** Keys of the steps, and how it goes on. */
  want: string[]
  phase?: 'running' | 'ending' | 'ended'
}

const rows = (all: Row[]) =>
  cases(
    all.map((row) => ({ facts: facts(), phase: 'running' as const, ...row })),
    (row) => {
      const plan = planPod(row.pod, row.seen, row.facts)
      assert.deepEqual({ steps: plan.steps.map(keyOfStep), phase: plan.phase }, { steps: row.want, phase: row.phase })
    },
  )

describe('planPod: starting', () => {
  const pod = samplePod()
  rows([
    {
      name: 'does all at once that depends on nothing',
      pod,
      seen: nothingSeen,
      facts: fresh,
      want: ['pull:main', 'start-sandbox', 'mount'],
    },
    {
      name: 'does nothing twice',
      ...{
        pod,
        seen: nothingSeen,
        facts: facts({ mounted: false, pulled: new Set(), ...busy('pull:main', 'start-sandbox', 'mount') }),
      },
      want: [],
    },
    { name: 'waits for the sandbox', pod, seen: nothingSeen, facts: facts(busy('start-sandbox')), want: [] },
    { name: 'waits for volumes', pod, seen: seen([]), facts: facts({ mounted: false, ...busy('mount') }), want: [] },
    { name: 'starts once sandbox, volumes and image are there', pod, seen: seen([]), want: ['start:main'] },
    {
      name: 'does not try what failed before its time',
      ...{ pod, seen: nothingSeen, facts: facts({ notBefore: new Map([['start-sandbox', 22_000]]) }) },
      want: [],
    },
    {
      name: 'tries again when the time has come',
      ...{ pod, seen: nothingSeen, facts: facts({ notBefore: new Map([['start-sandbox', 21_000]]) }) },
      want: ['start-sandbox'],
    },
    { name: 'starts containers one after the other', pod: samplePod({ containers: two }), seen: seen([]), want: ['start:a'] },
    {
      name: 'starts the second when the first has started',
      ...{ pod: samplePod({ containers: two }), seen: seen([running('a')]) },
      want: ['start:b'],
    },
    {
      name: 'waits for the start of the first',
      ...{ pod: samplePod({ containers: two }), seen: seen([]), facts: facts(busy('start:a')) },
      want: [],
    },
    {
      name: 'is not held up by a container whose image cannot be had',
      ...{ pod: samplePod({ containers: two }), seen: seen([]) },
      facts: facts({ pulled: new Set(['b']), notBefore: new Map([['pull:a', 30_000]]) }),
      want: ['start:b'],
    },
    { name: 'has nothing to do for what runs', pod, seen: seen([running('main')]), want: [] },
    {
      name: 'brings volumes up to date under running containers',
      ...{ pod, seen: seen([running('main')]), facts: facts({ stale: true }) },
      want: ['mount'],
    },
    { name: 'starts what was created and never started anew', pod, seen: seen([run('main', 'created')]), want: ['start:main'] },
  ])
})

describe('planPod: init containers and sidecars', () => {
  const pod = samplePod({ initContainers: [init] })
  const never = samplePod({ initContainers: [init], restartPolicy: 'Never' })
  const aided = samplePod({ initContainers: [sidecar, init] })
  const unstarted = facts({ probes: () => ({ started: false, ready: false, kill: undefined }) })
  rows([
    { name: 'starts the init container first', pod, seen: seen([]), want: ['start:init'] },
    { name: 'waits for it to end', pod, seen: seen([running('init')]), want: [] },
    { name: 'goes on when it has succeeded', pod, seen: seen([exited('init')]), want: ['start:main'] },
    { name: 'starts it again when it has failed', pod, seen: seen([exited('init', 1)]), want: ['start:init'] },
    {
      name: 'gives the Pod up when nothing may be restarted',
      ...{ pod: never, seen: seen([exited('init', 1)]) },
      ...{ want: ['stop-sandbox:sandbox-0'], phase: 'ending' },
    },
    { name: 'never looks at it again once a main container is there', pod, seen: seen([running('main')]), want: [] },
    { name: 'starts a sidecar in its turn', pod: aided, seen: seen([]), want: ['start:side'] },
    { name: 'waits for a sidecar to have started', pod: aided, seen: seen([running('side')]), facts: unstarted, want: [] },
    { name: 'goes on when the sidecar has started', pod: aided, seen: seen([running('side')]), want: ['start:init'] },
    {
      name: 'restarts a sidecar beside running containers, whatever the policy',
      pod: samplePod({ initContainers: [sidecar], restartPolicy: 'Never' }),
      ...{ seen: seen([running('main'), exited('side', 0)]), want: ['start:side'] },
    },
  ])
})

describe('planPod: restarts', () => {
  const always = samplePod()
  const onFailure = samplePod({ restartPolicy: 'OnFailure' })
  const never = samplePod({ restartPolicy: 'Never' })
  const crashed = (now: number) => facts({ now, crashes: new Map([['main', { delayMs: 10_000, countedAt: 10_000 }]]) })
  const over = { want: ['stop-sandbox:sandbox-0'], phase: 'ending' as const }
  rows([
    { name: 'Always restarts a success', pod: always, seen: seen([exited('main')]), want: ['start:main'] },
    { name: 'OnFailure restarts a failure', pod: onFailure, seen: seen([exited('main', 1)]), want: ['start:main'] },
    { name: 'OnFailure is over after a success', pod: onFailure, seen: seen([exited('main')]), ...over },
    { name: 'Never is over after a failure', pod: never, seen: seen([exited('main', 1)]), ...over },
    {
      name: 'looks at the image before each start',
      pod: always,
      seen: seen([exited('main')]),
      facts: facts({ pulled: new Set() }),
      want: ['pull:main'],
    },
    { name: 'waits out the back-off', pod: always, seen: seen([exited('main', 1)]), facts: crashed(29_999), want: [] },
    {
      name: 'starts when the back-off is over',
      pod: always,
      seen: seen([exited('main', 1)]),
      facts: crashed(30_000),
      want: ['start:main'],
    },
    {
      name: 'one container that waits holds up no other',
      pod: samplePod({ containers: two }),
      ...{ seen: seen([exited('a', 1)]), facts: facts({ crashes: new Map([['a', { delayMs: 10_000, countedAt: 10_000 }]]) }) },
      want: ['start:b'],
    },
    {
      name: 'stops what fails its liveness probe',
      ...{ pod: always, seen: seen([running('main')]) },
      facts: facts({ probes: () => ({ ...healthy, kill: { probe: 'liveness', message: 'no' } }) }),
      want: ['stop:main-0:30'],
    },
    {
      name: 'gives it the grace of the probe',
      ...{ pod: always, seen: seen([running('main')]) },
      facts: facts({ probes: () => ({ ...healthy, kill: { probe: 'startup', message: 'no', graceSeconds: 7 } }) }),
      want: ['stop:main-0:7'],
    },
    {
      name: 'stops it once',
      ...{ pod: always, seen: seen([running('main')]) },
      facts: facts({ probes: () => ({ ...healthy, kill: { probe: 'liveness', message: 'no' } }), ...busy('stop:main-0:30') }),
      want: [],
    },
    {
      name: 'replaces a container whose image was changed',
      pod: always,
      seen: seen([running('main', { annotations: {} })]),
      want: ['stop:main-0:30'],
    },
    {
      name: 'keeps two runs of each container',
      pod: always,
      seen: seen([running('main', { attempt: 3 }), ...[2, 1, 0].map((attempt) => exited('main', 1, { attempt }))]),
      want: ['remove-container:main-1', 'remove-container:main-0'],
    },
  ])
})

describe('planPod: sandboxes', () => {
  const pod = samplePod()
  rows([
    {
      name: 'stops a dead sandbox before all else',
      pod,
      seen: seen([exited('main', 137)], dead),
      want: ['stop-sandbox:sandbox-0'],
    },
    { name: 'then makes another', pod, seen: seen([exited('main', 137)], dead), facts: deadStopped, want: ['start-sandbox'] },
    {
      name: 'makes none for a Pod that never restarts and has begun',
      ...{ pod: samplePod({ restartPolicy: 'Never' }), seen: seen([exited('main', 137)], dead), facts: deadStopped },
      ...{ want: ['release'], phase: 'ending' },
    },
    {
      name: 'runs init containers again in the new one',
      pod: samplePod({ initContainers: [init] }),
      seen: seen([exited('init'), exited('main', 137)], { sandboxes: [sandbox('ready', 1), sandbox('notready')] }),
      want: ['start:init'],
    },
    {
      name: 'removes an old one that holds nothing',
      ...{
        pod,
        seen: seen([running('main', { sandboxId: 'sandbox-1' })], { sandboxes: [sandbox('ready', 1), sandbox('notready')] }),
      },
      want: ['remove-sandbox:sandbox-0'],
    },
    {
      name: 'stops a second one that is ready',
      ...{
        pod,
        seen: seen([running('main', { sandboxId: 'sandbox-1' })], { sandboxes: [sandbox('ready', 1), sandbox('ready')] }),
      },
      want: ['stop-sandbox:sandbox-0'],
    },
  ])
})

describe('planPod: ending', () => {
  const pod = samplePod()
  const aided = samplePod({
    initContainers: [
      { ...sidecar, name: 's1' },
      { ...sidecar, name: 's2' },
    ],
  })
  const forced = samplePod({}, { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 0 })
  const stopped = { stoppedSandboxes: new Set(['sandbox-0']) }
  const end = { phase: 'ending' as const }
  rows([
    {
      name: 'stops containers with the grace of the Pod',
      pod,
      seen: seen([running('main')]),
      facts: ending(),
      want: ['stop:main-0:30'],
      ...end,
    },
    {
      name: 'gives at least a second',
      pod: forced,
      seen: seen([running('main')]),
      facts: ending(),
      want: ['stop:main-0:1'],
      ...end,
    },
    {
      name: 'cuts a longer stop short',
      pod: forced,
      seen: seen([running('main')]),
      facts: ending(busy('stop:main-0:30')),
      want: ['stop:main-0:1'],
      ...end,
    },
    {
      name: 'leaves a shorter stop alone',
      pod,
      seen: seen([running('main')]),
      facts: ending(busy('stop:main-0:1')),
      want: [],
      ...end,
    },
    {
      name: 'leaves sidecars to the last',
      pod: aided,
      seen: seen(['main', 's1', 's2'].map((n) => running(n))),
      facts: ending(),
      want: ['stop:main-0:30'],
      ...end,
    },
    {
      name: 'stops the last sidecar first',
      pod: aided,
      seen: seen([exited('main'), running('s1'), running('s2')]),
      facts: ending(),
      want: ['stop:s2-0:30'],
      ...end,
    },
    {
      name: 'then the one before it',
      pod: aided,
      seen: seen([running('s1'), exited('s2')]),
      facts: ending(),
      want: ['stop:s1-0:30'],
      ...end,
    },
    {
      name: 'stops the sandbox when no container is alive',
      pod,
      seen: seen([exited('main')]),
      facts: ending(),
      want: ['stop-sandbox:sandbox-0'],
      ...end,
    },
    {
      name: 'waits for a sandbox that is being started',
      pod,
      seen: nothingSeen,
      facts: ending(busy('start-sandbox')),
      want: [],
      ...end,
    },
    {
      name: 'waits for a container that is being started',
      pod,
      seen: seen([]),
      facts: ending(busy('start:main')),
      want: [],
      ...end,
    },
    { name: 'releases volumes and cgroup last', pod, seen: seen([], dead), facts: ending(stopped), want: ['release'], ...end },
    {
      name: 'waits for volumes that are being made',
      pod,
      seen: seen([], dead),
      facts: ending({ ...stopped, ...busy('mount') }),
      want: [],
      ...end,
    },
    { name: 'is over then', pod, seen: seen([], dead), facts: ending({ ...stopped, released: true }), want: [], phase: 'ended' },
    {
      name: 'has nothing to do for a Pod of which nothing is left',
      pod,
      seen: nothingSeen,
      facts: ending({ released: true }),
      want: [],
      phase: 'ended',
    },
  ])
})

describe('planPod: numbers', () => {
  const next = (pod: Pod, what: Seen, more?: PlanFacts) => planPod(pod, what, more ?? facts()).steps

  it('counts restarts on from the last run', () => {
    assert.deepEqual(next(samplePod(), seen([exited('main', 1, { attempt: 4 })])), [
      { do: 'start', container: 'main', attempt: 5 },
    ])
  })

  it('counts them on from the status when the runtime has forgotten all', () => {
    const state = { running: { startedAt: '2026-01-01T00:00:00Z' } }
    const told = {
      name: 'main',
      state,
      lastState: {},
      ready: true,
      restartCount: 2,
      image,
      imageID: '',
      containerID: 'containerd://x',
    }
    const pod = samplePod({}, {}, { containerStatuses: [told] })
    assert.deepEqual(next(pod, seen([])), [{ do: 'start', container: 'main', attempt: 3 }])
    const never = samplePod({ restartPolicy: 'Never' }, {}, { containerStatuses: [told] })
    assert.deepEqual(planPod(never, seen([]), facts()).phase, 'ending')
  })

  it('numbers sandboxes on', () => {
    assert.deepEqual(next(samplePod(), seen([], dead), deadStopped), [{ do: 'start-sandbox', attempt: 1 }])
  })

  it('says who backs off, how long, and when to look again', () => {
    const crashes = new Map([['main', { delayMs: 40_000, countedAt: 10_000 }]])
    const plan = planPod(samplePod(), seen([exited('main', 1)]), facts({ crashes }))
    assert.deepEqual(plan.backingOff, [{ container: 'main', delayMs: 40_000, until: 60_000 }])
    assert.equal(plan.againAt, 60_000)
  })
})
