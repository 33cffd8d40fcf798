import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import type { DeleteOptions } from '../client/client.ts'
import { byTester, configMap, podOf, testServer } from '../testing/api-server.ts'
import { cases } from '../testing/cases.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { refusal } from '../testing/refusal.ts'
import type { ApiServer } from './api-server.ts'
import { type DeletionPlan, planDeletion } from './delete.ts'

const a = { namespace: 'default', name: 'a' }
const now = 1_700_000_000_000
const at = (seconds: number) => `${new Date(now + seconds * 1000).toISOString().slice(0, 19)}Z`

interface Planned {
  name: string
  /** On a node unless it says otherwise. */
  pod?: Parameters<typeof podOf>[1] & { phase?: string }
  marked?: { deletionTimestamp: string; deletionGracePeriodSeconds: number }
  options?: DeleteOptions
  want: string
}

const planText = (plan: DeletionPlan): string => {
  if (plan.do === 'nothing') return 'nothing'
  const { deletionTimestamp, deletionGracePeriodSeconds } = plan.object.metadata
  return `${plan.do} ${deletionTimestamp ?? ''} ${deletionGracePeriodSeconds ?? ''}`
}

describe('the grace of a Pod', () => {
  const onNode = { spec: { nodeName: 'n' } }
  const stopping = { deletionTimestamp: at(20), deletionGracePeriodSeconds: 30 }
  cases<Planned>(
    [
      { name: 'is what its spec says', want: `mark ${at(30)} 30` },
      {
        name: 'is what its spec says, not only by default',
        pod: { spec: { nodeName: 'n', terminationGracePeriodSeconds: 5 } },
        want: `mark ${at(5)} 5`,
      },
      { name: 'is what the delete says before that', options: { gracePeriodSeconds: 7 }, want: `mark ${at(7)} 7` },
      { name: 'may be none', options: { gracePeriodSeconds: 0 }, want: `remove ${at(0)} 0` },
      { name: 'is one second when negative', options: { gracePeriodSeconds: -1 }, want: `mark ${at(1)} 1` },
      {
        name: 'is none when no node has it',
        pod: { spec: { nodeName: undefined } },
        options: { gracePeriodSeconds: 9 },
        want: `remove ${at(0)} 0`,
      },
      { name: 'is none when it has succeeded', pod: { ...onNode, phase: 'Succeeded' }, want: `remove ${at(0)} 0` },
      { name: 'is none when it has failed', pod: { ...onNode, phase: 'Failed' }, want: `remove ${at(0)} 0` },
      {
        name: 'does not hurry finalizers',
        pod: { ...onNode, metadata: { finalizers: ['a.io/b'] } },
        options: { gracePeriodSeconds: 0 },
        want: `mark ${at(0)} 0`,
      },
      { name: 'goes on when it is deleted again', marked: stopping, want: 'nothing' },
      { name: 'cannot grow', marked: stopping, options: { gracePeriodSeconds: 60 }, want: 'nothing' },
      {
        name: 'can shrink, counted from the first delete',
        marked: stopping,
        options: { gracePeriodSeconds: 12 },
        want: `mark ${at(2)} 12`,
      },
      { name: 'can end', marked: stopping, options: { gracePeriodSeconds: 0 }, want: `remove ${at(-10)} 0` },
      {
        name: 'that is over waits for finalizers only',
        marked: { deletionTimestamp: at(0), deletionGracePeriodSeconds: 0 },
        want: `remove ${at(0)} 0`,
      },
    ],
    ({ pod = onNode, marked, options = {}, want }) => {
      const base = podOf('a', { ...pod, spec: { ...onNode.spec, ...pod.spec } })
      const status = 'phase' in pod ? { phase: pod.phase } : {}
      const object = { ...base, status, metadata: { ...base.metadata, ...marked } }
      assert.equal(planText(planDeletion(Pod, object, options, now)), want)
    },
  )
})

async function podOnNode(): Promise<{ server: ApiServer; pod: Pod }> {
  const server = await testServer({ clock: manualClock() })
  await server.client('tester').create(Pod, podOf('a', { spec: { nodeName: 'n' } }))
  return { server, pod: (await server.get(Pod, a)).object as Pod }
}

describe('deleting', () => {
  it('marks a running Pod and removes it when its kubelet says so', async () => {
    const { server } = await podOnNode()
    const marked = await server.delete(Pod, a, {}, byTester)
    assert.ok('object' in marked)
    assert.deepEqual((await server.get(Pod, a)).object, marked.object)
    assert.deepEqual(
      [marked.object.metadata.deletionTimestamp, marked.object.metadata.deletionGracePeriodSeconds],
      ['2023-11-14T22:13:50Z', 30],
    )
    const gone = await server.delete(
      Pod,
      a,
      { gracePeriodSeconds: 0, preconditions: { uid: marked.object.metadata.uid } },
      byTester,
    )
    assert.ok('object' in gone)
    assert.equal(gone.object.metadata.resourceVersion, '4')
    assert.equal(await refusal(server.get(Pod, a)), '404 NotFound: pods "a" not found')
  })

  it('answers with a Status for most kinds, and removes a class in use', async () => {
    const server = await testServer()
    await server.create(RuntimeClass, {}, { metadata: { name: 'gvisor' }, handler: 'runsc' }, byTester)
    await server.create(Pod, { namespace: 'default' }, podOf('a', { spec: { runtimeClassName: 'gvisor' } }), byTester)
    const { uid } = (await server.get(RuntimeClass, { name: 'gvisor' })).object.metadata
    assert.deepEqual(await server.delete(RuntimeClass, { name: 'gvisor' }, {}, byTester), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      details: { name: 'gvisor', group: 'node.k8s.io', kind: 'runtimeclasses', uid },
      code: 200,
    })
    assert.equal(((await server.get(Pod, a)).object as Pod).spec.runtimeClassName, 'gvisor')
    assert.equal(
      await refusal(server.delete(RuntimeClass, { name: 'gvisor' }, {}, byTester)),
      '404 NotFound: runtimeclasses.node.k8s.io "gvisor" not found',
    )
  })

  it('holds to its preconditions', async () => {
    const { server, pod } = await podOnNode()
    const because = async (options: DeleteOptions) => refusal(server.delete(Pod, a, options, byTester))
    assert.equal(
      await because({ preconditions: { uid: 'x' } }),
      `409 Conflict: Operation cannot be fulfilled on pods "a": the UID in the precondition (x) does not match the UID in record (${pod.metadata.uid}). The object might have been deleted and then recreated`,
    )
    assert.equal(
      await because({ preconditions: { resourceVersion: '7' } }),
      '409 Conflict: Operation cannot be fulfilled on pods "a": the ResourceVersion in the precondition (7) does not match the ResourceVersion in record (2). The object might have been modified',
    )
    assert.equal(
      await because({ propagationPolicy: 'Sideways' }),
      '422 Invalid: DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Sideways": supported values: "Foreground", "Background", "Orphan", "nil"',
    )
  })

  it('tries nothing in a dry run', async () => {
    const { server, pod } = await podOnNode()
    const would = await server.delete(Pod, a, {}, { ...byTester, dryRun: true })
    assert.ok('object' in would && would.object.metadata.deletionTimestamp)
    await server.delete(Pod, a, { gracePeriodSeconds: 0, dryRun: true }, byTester)
    assert.deepEqual((await server.get(Pod, a)).object, pod)
  })

  it('tells watchers of the object as it was last, at the revision of its end', async () => {
    const { server, pod } = await podOnNode()
    await server.delete(Pod, a, { gracePeriodSeconds: 0 }, byTester)
    const stop = new AbortController()
    for await (const [event] of server.watch(Pod, { resourceVersion: '2', signal: stop.signal })) {
      assert.ok(event?.type === 'DELETED')
      assert.deepEqual(event.stored.object, { ...pod, metadata: { ...pod.metadata, resourceVersion: '3' } })
      stop.abort()
    }
  })

  it('asks admission', async () => {
    const asked: string[] = []
    const server = await testServer({
      plugins: [
        { name: 'p', verbs: ['delete'], validate: ({ name, verb, object }) => void asked.push(`${verb} ${name} ${object.kind}`) },
      ],
    })
    await server.client('tester').create(ConfigMap, configMap('a'))
    await server.client('tester').delete(ConfigMap, a)
    assert.deepEqual(asked, ['delete a ConfigMap'])
  })
})

describe('deleting a collection', () => {
  it('takes what the selector takes', async () => {
    const server = await testServer()
    const client = server.client('tester')
    for (const [i, colour] of ['red', 'blue', 'red'].entries())
      await client.create(
        ConfigMap,
        configMap(`m${i}`, { metadata: { name: `m${i}`, namespace: 'default', labels: { colour } } }),
      )
    const { items } = await server.deleteCollection(
      ConfigMap,
      { namespace: 'default', labelSelector: 'colour=red' },
      {},
      byTester,
    )
    assert.deepEqual(
      items.map(({ object }) => object.metadata.name),
      ['m0', 'm2'],
    )
    assert.deepEqual(
      (await client.list(ConfigMap)).items.map(({ metadata }) => metadata.name),
      ['m1'],
    )
  })
})
