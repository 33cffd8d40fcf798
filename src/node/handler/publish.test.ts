import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../../api/core/node.ts'
import { Event } from '../../api/core/event.ts'
import { NodeHandler, readyCondition, systemNamespace } from '../../api/polypod/node-handler.ts'
import { eventRecorder } from '../../client/event-recorder.ts'
import { objectOf, openControlPlane } from '../../testing/control-plane.ts'
import { eventually } from '../../testing/eventually.ts'
import type { ProvedHandler } from './prover.ts'
import { handlerPublisher, markChanges, nodeMarks } from './publish.ts'
import { afterCanary, afterMissing, unproved, type Verdict } from './verdict.ts'

const now = 1_700_000_000_000
const good = { ok: true, startedAtMs: now, durationMs: 100, evidence: {} } as const
const works = afterCanary(unproved(now), 'Start', good, { nowMs: now, everyMs: undefined })
const gone = afterMissing(works, 'crun: executable not found at /opt/crun')

const handler = (name: string, verdict: Verdict, isDefault = false): ProvedHandler => ({
  facts: {
    ...{ name, isDefault, runtimeType: 'io.containerd.runc.v2', shim: '/bin/shim', runtime: `/opt/${name}`, version: '1.2' },
    ...{ shimApi: 'v2', features: { userNamespaces: false, seccomp: true }, files: [] },
  },
  verdict,
  evidence: { configuration: { file: '/etc/containerd/config.toml', line: 7 } },
})

describe('marks of a Node', () => {
  it('tell each handler, why one is not ready, and which is the default', () => {
    assert.deepEqual(nodeMarks([handler('runc', works, true), handler('crun', gone), handler('My_Own', works)]), {
      labels: { 'handler.polypod.dev/runc': 'ready', 'handler.polypod.dev/crun': 'not-ready' },
      annotations: {
        'handler.polypod.dev/crun': 'crun: executable not found at /opt/crun',
        'polypod.dev/default-runtime-handler': 'runc',
      },
    })
  })

  it('go when they are not true any more, and leave those of others alone', () => {
    const present = { 'handler.polypod.dev/old': 'ready', 'handler.polypod.dev/runc': 'ready', team: 'a' }
    assert.deepEqual(markChanges(present, { 'handler.polypod.dev/runc': 'not-ready' }), {
      'handler.polypod.dev/old': null,
      'handler.polypod.dev/runc': 'not-ready',
    })
    assert.equal(
      markChanges({ team: 'a', ...{ 'handler.polypod.dev/runc': 'ready' } }, { 'handler.polypod.dev/runc': 'ready' }),
      undefined,
    )
  })
})

describe('publishing', () => {
  async function open() {
    const { client, clock } = await openControlPlane()
    let node = await client.create(
      Node,
      objectOf(Node, { metadata: { name: 'n1', labels: { 'handler.polypod.dev/old': 'ready' } } }),
    )
    const logged: string[] = []
    const events = eventRecorder(client, { component: 'kubelet', host: 'n1', clock })
    const log = (line: string) => void logged.push(line)
    const publisher = handlerPublisher({ client, clock, events, node: { current: () => node }, publish: true, log })
    return { client, clock, logged, publisher, renew: (next: Node) => (node = next) }
  }
  const ref = { namespace: systemNamespace, name: 'n1.crun' }

  it('makes a NodeHandler each, follows what changes, and takes away what is offered no more', async () => {
    const { client, clock, publisher, logged } = await open()
    await publisher.tell([handler('runc', works, true), handler('crun', works)])
    const { items } = await client.list(NodeHandler)
    assert.deepEqual(
      items.map(({ metadata, spec }) => [metadata.name, spec, metadata.ownerReferences?.[0]?.name]),
      [
        ['n1.crun', { nodeName: 'n1', handler: 'crun' }, 'n1'],
        ['n1.runc', { nodeName: 'n1', handler: 'runc' }, 'n1'],
      ],
    )
    const { metadata } = await client.get(Node, { name: 'n1' })
    assert.deepEqual(metadata.labels, { 'handler.polypod.dev/crun': 'ready', 'handler.polypod.dev/runc': 'ready' })
    const provedAt = readyCondition(items[0]?.status ?? {})?.lastTransitionTime
    await clock.advance(5000)
    await publisher.tell([handler('runc', works, true), handler('crun', gone)])
    const { status } = await client.get(NodeHandler, ref)
    const { lastTransitionTime, ...ready } = readyCondition(status) ?? assert.fail()
    assert.notEqual(lastTransitionTime, provedAt)
    const { message } = gone
    assert.deepEqual(ready, { type: 'Ready', status: 'False', reason: 'BinaryNotFound', message })
    assert.deepEqual(
      { ...status, conditions: undefined },
      {
        conditions: undefined,
        runtimeType: 'io.containerd.runc.v2',
        shim: { path: '/bin/shim', apiVersion: 'v2' },
        ociRuntime: { path: '/opt/crun', version: '1.2' },
        features: { userNamespaces: false, seccomp: true },
        configuration: { file: '/etc/containerd/config.toml', line: 7 },
        canary: { result: 'Succeeded', trigger: 'Start', startedAt: '2023-11-14T22:13:20Z', durationMs: 100 },
        lastProvedTime: '2023-11-14T22:13:20Z',
      },
    )
    await publisher.tell([handler('runc', works, true)])
    assert.deepEqual(
      (await client.list(NodeHandler)).items.map((one) => one.metadata.name),
      ['n1.runc'],
    )
    assert.deepEqual(logged, [])
  })

  it('gives the version to the shim where that is the runtime', async () => {
    const { client, publisher } = await open()
    const { facts, ...rest } = handler('kata', works)
    await publisher.tell([{ ...rest, facts: { ...facts, runtime: undefined } }])
    const { shim, ociRuntime } = (await client.get(NodeHandler, { ...ref, name: 'n1.kata' })).status
    assert.deepEqual([shim, ociRuntime], [{ path: '/bin/shim', apiVersion: 'v2', version: '1.2' }, undefined])
  })

  it('tells of what breaks and comes back, in Events of the Node', async () => {
    const { client, publisher } = await open()
    for (const verdict of [works, works, gone, gone, works]) await publisher.tell([handler('crun', verdict)])
    const said = await eventually(async () => {
      const { items } = await client.list(Event, { namespace: 'default' })
      return items.length === 2 ? items.map(({ type, reason, message, count }) => [type, reason, message, count]) : undefined
    })
    assert.deepEqual(said, [
      ['Warning', 'HandlerNotReady', 'Runtime handler crun is not ready: crun: executable not found at /opt/crun', 1],
      ['Normal', 'HandlerReady', 'Runtime handler crun is ready again: a sandbox started in 100 ms', 1],
    ])
  })

  it('writes nothing when nothing has changed', async () => {
    const { client, publisher } = await open()
    await publisher.tell([handler('crun', works)])
    const versions = async () => [
      (await client.get(NodeHandler, ref)).metadata.resourceVersion,
      (await client.get(Node, { name: 'n1' })).metadata.resourceVersion,
    ]
    const before = await versions()
    await publisher.tell([handler('crun', works)])
    assert.deepEqual(await versions(), before)
  })

  it('makes anew what somebody deleted, or what belonged to an earlier Node of the name', async () => {
    const { client, publisher, renew } = await open()
    await publisher.tell([handler('crun', works)])
    await client.delete(NodeHandler, ref)
    await publisher.tell([handler('crun', gone)])
    await publisher.tell([handler('crun', gone)])
    assert.equal(readyCondition((await client.get(NodeHandler, ref)).status)?.status, 'False')
    await client.delete(Node, { name: 'n1' })
    const next = await client.create(Node, objectOf(Node, { metadata: { name: 'n1' } }))
    renew(next)
    await publisher.tell([handler('crun', works)])
    assert.equal((await client.get(NodeHandler, ref)).metadata.ownerReferences?.[0]?.uid, next.metadata.uid)
  })
})
