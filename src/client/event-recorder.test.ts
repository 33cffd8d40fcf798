// The recorder on a real API server in process.
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'vitest'
import { Event } from '../api/core/event.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { unavailable } from '../api/status.ts'
import { rfc3339 } from '../lib/clock.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { eventually } from '../testing/eventually.ts'
import { manualClock } from '../testing/manual-clock.ts'
import type { Client } from './client.ts'
import { eventRecorder } from './event-recorder.ts'

const startMs = 1_700_000_000_000
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function bench() {
  const clock = manualClock(startMs)
  const server = await openApiServer({ store: memoryStore(), plugins: [], clock })
  open.push(server)
  const client = server.client('tester')
  const told = (count: number) =>
    eventually(async () => {
      const { items } = await client.list(Event)
      return items.reduce((sum, event) => sum + (event.count ?? 0), 0) >= count ? items : undefined
    }, 2000)
  return { clock, client, told }
}

const pod = Pod.decode(
  { metadata: { name: 'web', namespace: 'ns', uid: 'u1', resourceVersion: '7' }, spec: { containers: [] } },
  { unknown: [] },
)
const node = Node.decode({ metadata: { name: 'node-1', uid: 'u2' } }, { unknown: [] })

describe('an event recorder', () => {
  it('writes what kubectl describe shows', async () => {
    const { clock, client, told } = await bench()
    const recorder = eventRecorder(client, { component: 'kubelet', host: 'node-1', clock })
    recorder.at('spec.containers{main}').event(pod, 'Normal', 'Started', 'Started container main')
    const [event] = await told(1)
    const { metadata, ...rest } = event ?? assert.fail()
    assert.match(metadata.name, /^web\.[0-9a-f]{16}$/)
    assert.equal(metadata.namespace, 'ns')
    assert.deepEqual(rest, {
      apiVersion: 'v1',
      kind: 'Event',
      involvedObject: {
        kind: 'Pod',
        namespace: 'ns',
        name: 'web',
        uid: 'u1',
        apiVersion: 'v1',
        resourceVersion: '7',
        fieldPath: 'spec.containers{main}',
      },
      reason: 'Started',
      message: 'Started container main',
      source: { component: 'kubelet', host: 'node-1' },
      firstTimestamp: rfc3339(startMs),
      lastTimestamp: rfc3339(startMs),
      count: 1,
      type: 'Normal',
      reportingComponent: 'kubelet',
      reportingInstance: 'node-1',
    })
  })

  it('counts what is said again, and keeps apart what differs', async () => {
    const { clock, client, told } = await bench()
    const recorder = eventRecorder(client, { component: 'kubelet', clock })
    recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting')
    await clock.advance(10_000)
    recorder.event(pod, 'Warning', 'BackOff', 'Back-off restarting')
    recorder.event(pod, 'Warning', 'BackOff', 'something else')
    recorder.at('spec.containers{main}').event(pod, 'Warning', 'BackOff', 'Back-off restarting')
    recorder.event({ ...pod, metadata: { ...pod.metadata, uid: 'u9' } }, 'Warning', 'BackOff', 'Back-off restarting')
    const events = await told(5)
    assert.deepEqual(
      events.map(({ message, count, firstTimestamp, lastTimestamp }) => [message, count, firstTimestamp, lastTimestamp]),
      [
        ['Back-off restarting', 2, rfc3339(startMs), rfc3339(startMs + 10_000)],
        ['something else', 1, rfc3339(startMs + 10_000), rfc3339(startMs + 10_000)],
        ['Back-off restarting', 1, rfc3339(startMs + 10_000), rfc3339(startMs + 10_000)],
        ['Back-off restarting', 1, rfc3339(startMs + 10_000), rfc3339(startMs + 10_000)],
      ],
    )
  })

  it('speaks of cluster-scoped objects in namespace default', async () => {
    const { clock, client, told } = await bench()
    eventRecorder(client, { component: 'kubelet', clock }).event(node, 'Normal', 'Starting', 'Starting kubelet.')
    assert.deepEqual(
      (await told(1)).map(({ metadata, involvedObject }) => [metadata.namespace, involvedObject.namespace]),
      [['default', undefined]],
    )
  })

  it('begins anew when its Event has expired', async () => {
    const { clock, client, told } = await bench()
    const recorder = eventRecorder(client, { component: 'kubelet', clock })
    recorder.event(pod, 'Normal', 'Pulled', 'again')
    const [first] = await told(1)
    await client.delete(Event, first?.metadata ?? assert.fail())
    recorder.event(pod, 'Normal', 'Pulled', 'again')
    const [second] = await told(1)
    assert.equal(second?.count, 1)
    assert.notEqual(second?.metadata.name, first?.metadata.name)
  })

  it('tries again while the server cannot be reached, and drops what is refused', async () => {
    const { clock, client, told } = await bench()
    let down = true
    let tries = 0
    const create: Client['create'] = async (kind, object, options) => {
      if (down) throw tries++ === 0 ? new Error('connect ECONNREFUSED') : unavailable('the API server cannot be reached')
      return client.create(kind, object, options)
    }
    const recorder = eventRecorder({ ...client, create }, { component: 'kubelet', clock })
    recorder.event(pod, 'Normal', 'Pulled', 'late')
    const refused = { ...pod, metadata: { ...pod.metadata, name: 'NO NAME' } }
    recorder.event(refused, 'Normal', 'Pulled', 'never')
    recorder.event(pod, 'Normal', 'Pulled', 'last')
    await clock.advance(25_000)
    down = false
    await clock.advance(10_000)
    assert.deepEqual(
      (await told(2)).map(({ message, firstTimestamp }) => [message, firstTimestamp]),
      [
        ['late', rfc3339(startMs)],
        ['last', rfc3339(startMs)],
      ],
    )
  })
})
