import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Binding } from '../api/core/binding.ts'
import { Pod } from '../api/core/pod.ts'
import { byTester, podOf, testServer } from '../testing/api-server.ts'
import { cases } from '../testing/cases.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { refusal } from '../testing/refusal.ts'

const a = { namespace: 'default', name: 'a' }
const to = (name: string, more: { metadata?: object; target?: object } = {}) => ({
  apiVersion: 'v1',
  kind: 'Binding',
  metadata: { name: 'a', ...more.metadata },
  target: { kind: 'Node', name, ...more.target },
})

describe('binding', () => {
  it('puts a Pod on a node, with the Binding’s labels and annotations', async () => {
    const server = await testServer({ clock: manualClock() })
    const made = await server
      .client('tester')
      .create(Pod, podOf('a', { metadata: { labels: { l: '1' }, annotations: { b: '1' } } }))
    const metadata = { annotations: { b: '2', c: '3' }, labels: { zone: 'z' } }
    assert.deepEqual(await server.bind(a, to('n1', { metadata }), byTester), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Success',
      code: 201,
    })
    assert.deepEqual((await server.get(Pod, a)).object, {
      ...made,
      metadata: { ...made.metadata, resourceVersion: '3', annotations: { b: '2', c: '3' }, labels: { l: '1', zone: 'z' } },
      spec: { ...made.spec, nodeName: 'n1' },
      status: {
        ...made.status,
        conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: '2023-11-14T22:13:20Z' }],
      },
    })
  })

  it('replaces the word that the Pod could not be scheduled, and loses nothing written meanwhile', async () => {
    const server = await testServer({ clock: manualClock() })
    const client = server.client('tester')
    await client.create(Pod, podOf('a'))
    const conditions = [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' },
      { type: 'Other', status: 'True' },
    ]
    await client.patch(Pod, a, { type: 'merge', body: { status: { conditions } }, subresource: 'status' })
    const label = client.patch(Pod, a, { type: 'merge', body: { metadata: { labels: { l: '1' } } } })
    await Promise.all([label, server.bind(a, to('n1'), byTester)])
    const pod = await client.get(Pod, a)
    assert.deepEqual(pod.status.conditions, [
      { type: 'Other', status: 'True' },
      { type: 'PodScheduled', status: 'True', lastTransitionTime: '2023-11-14T22:13:20Z' },
    ])
    assert.deepEqual([pod.metadata.labels, pod.spec.nodeName], [{ l: '1' }, 'n1'])
  })

  it('is never stored', async () => {
    const server = await testServer()
    assert.equal(
      await refusal(server.create(Binding, { namespace: 'default' }, to('n1'), byTester)),
      '405 MethodNotAllowed: the server does not allow this method on the requested resource',
    )
  })

  it('gives a Pod that two schedulers want to one of them', async () => {
    const server = await testServer()
    await server.client('tester').create(Pod, podOf('a'))
    const results = await Promise.allSettled(['n1', 'n2', 'n3'].map((node) => server.bind(a, to(node), byTester)))
    assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  })

  cases(
    [
      {
        name: 'refuses a Pod that has a node',
        pod: podOf('a', { spec: { nodeName: 'a' } }),
        body: to('n1'),
        want: '409 Conflict: Operation cannot be fulfilled on pods/binding "a": pod a is already assigned to node "a"',
      },
      {
        name: 'refuses a Pod that waits at a gate',
        pod: podOf('a', { spec: { schedulingGates: [{ name: 'x.io/wait' }] } }),
        body: to('n1'),
        want: '409 Conflict: Operation cannot be fulfilled on pods/binding "a": pod a has non-empty .spec.schedulingGates',
      },
      {
        name: 'refuses another name than the path’s',
        pod: podOf('a'),
        body: to('n1', { metadata: { name: 'b' } }),
        want: '400 BadRequest: name in URL does not match name in Binding object',
      },
      {
        name: 'refuses another Pod than the one the scheduler saw',
        pod: podOf('a'),
        body: to('n1', { metadata: { uid: 'old' } }),
        want: '409 Conflict: Operation cannot be fulfilled on pods/binding "a": Precondition failed: UID in precondition: old, UID in object meta: uid-1',
      },
      {
        name: 'refuses a target that is no node',
        pod: podOf('a'),
        body: to('', { target: { kind: 'Pod' } }),
        want: '422 Invalid: Binding "a" is invalid: [target.kind: Unsupported value: "Pod": supported values: "<empty>", "Node", target.name: Required value]',
      },
    ],
    async ({ pod, body, want }) => {
      const server = await testServer({ random: { uid: () => 'uid-1', integer: () => 0 } })
      const made = await server.client('tester').create(Pod, pod)
      assert.equal(await refusal(server.bind(a, body, byTester)), want)
      assert.deepEqual((await server.get(Pod, a)).object, made)
    },
  )

  it('refuses a Pod that is being deleted, and one that is not there', async () => {
    const server = await testServer()
    const client = server.client('tester')
    await client.create(Pod, podOf('a', { metadata: { finalizers: ['a.io/b'] } }))
    await client.delete(Pod, a)
    assert.equal(
      await refusal(server.bind(a, to('n1'), byTester)),
      '409 Conflict: Operation cannot be fulfilled on pods/binding "a": pod a is being deleted, cannot be assigned to a host',
    )
    assert.equal(
      await refusal(client.createSubresource(Pod, { ...a, name: 'b' }, 'binding', to('n1', { metadata: { name: 'b' } }))),
      '404 NotFound: pods "b" not found',
    )
  })
})
