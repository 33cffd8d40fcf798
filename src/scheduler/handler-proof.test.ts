// Pods that wait for the proof of a handler, against a real API server in this process.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { sampleNode, samplePod } from '../placement/sample.ts'
import { openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { runScheduler } from './run.ts'

const key = 'handler.polypod.dev/crun'

async function open() {
  const { client, clock } = await openControlPlane()
  const given = sampleNode('n', { labels: { [key]: 'pending' }, handlers: ['', 'crun', 'runc'] })
  const created = await client.create(Node, given)
  await client.update(Node, { ...created, status: given.status }, { subresource: 'status' })
  const metadata = { name: 'fast' }
  await client.create(RuntimeClass, { apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata, handler: 'crun' })
  const ref = { namespace: 'default', name: 'p' }
  await client.create(Pod, {
    ...samplePod('p', { runtimeClassName: 'fast', tolerations: [{ operator: 'Exists' }] }),
    metadata: ref,
  })
  const mark = (state: string, why: string | null) =>
    client.patch(
      Node,
      { name: 'n' },
      {
        type: 'merge',
        body: { metadata: { labels: { [key]: state }, annotations: { [key]: why } } },
      },
    )
  const pod = () => client.get(Pod, ref)
  /** Within twenty seconds: Pods that were tried a moment ago rest, and after minutes all are tried again anyway. */
  const says = (text: string, until = clock.now() + 20_000) =>
    eventually(async () => {
      if (clock.now() < until) await clock.advance(1000)
      const { message = '' } = (await pod()).status.conditions?.find(({ type }) => type === 'PodScheduled') ?? {}
      assert.ok(message.includes(`1 node(s) where runtime handler "crun" is ${text}.`), message)
      return true
    }, 3000)
  return { client, clock, pod, mark, says }
}

describe('a Pod whose handler is being proved', () => {
  it('waits, is told what came of it, and runs when the handler does', async () => {
    const { client, clock, pod, mark, says } = await open()
    const stop = new AbortController()
    const running = runScheduler({ client, clock }, stop.signal)
    await says('not proved yet')
    await mark('not-ready', 'no such device')
    await says('not ready (no such device)')
    await mark('ready', null)
    await eventually(async () => {
      await clock.advance(1000)
      return (await pod()).spec.nodeName === 'n'
    })
    stop.abort()
    await running
  })
})
