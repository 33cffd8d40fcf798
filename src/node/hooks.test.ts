import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type { Container } from '../api/core/container.ts'
import { cases } from '../testing/cases.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { simulatedRuntime } from './cri/sim.ts'
import { sampleContainer, sampleSandbox } from './cri/sample-config.ts'
import { type HookWorld, runPostStart, runPreStop } from './hooks.ts'
import { samplePodWith } from './sample-pod.ts'

const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(`${request.method} ${request.url} ${request.headers['user-agent']}`)
  response.writeHead(500).end()
})
let port = 0
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => void server.close())

async function setUp(lifecycle: Record<string, unknown>) {
  const clock = manualClock()
  const runtime = simulatedRuntime({ handlers: ['runc'], clock })
  const sandbox = sampleSandbox('web')
  const sandboxId = await runtime.runSandbox(sandbox, '')
  const image = await runtime.pullImage('busybox:1')
  const containerId = await runtime.createContainer(
    sandboxId,
    sampleContainer(sandbox, 'main', image, ['sleep', 'infinity']),
    sandbox,
  )
  await runtime.startContainer(containerId)
  const told: string[] = []
  const events: HookWorld['events'] = {
    event: ({ container }, type, reason, message) => void told.push([container, type, reason, message].join('|')),
  }
  const pod = samplePodWith({ lifecycle })
  const target = { pod, container: pod.spec.containers[0] as Container, containerId, podIP: '127.0.0.1' }
  return { clock, told, target, world: { runtime, clock, events } }
}

const whose = 'for Container "main" in Pod "web_default(uid-1)"'

describe('runPostStart', () => {
  cases(
    [
      { name: 'has nothing to do', hook: undefined, want: undefined },
      { name: 'runs a command', hook: { exec: { command: ['true'] } }, want: undefined },
      { name: 'asks over HTTP, whatever the answer', hook: { httpGet: { path: '/started', port: '#' } }, want: undefined },
      {
        name: 'fails with its command',
        hook: { exec: { command: ['sh', '-c', 'echo no; exit 3'] } },
        want: `Exec lifecycle hook ([sh -c echo no; exit 3]) ${whose} failed - error: command 'sh -c echo no; exit 3' exited with 3: , message: "no\\n"`,
      },
      {
        name: 'fails where nobody listens',
        hook: { httpGet: { path: '/x', port: 1 } },
        want: `HTTP lifecycle hook (/x) ${whose} failed - error: Get "http://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused`,
      },
      {
        name: 'cannot open a socket',
        hook: { tcpSocket: { port: 80 } },
        want: 'Cannot run handler: invalid handler: {"tcpSocket":{"port":80}}',
      },
    ],
    async ({ hook, want }) => {
      const httpGet = hook?.httpGet && { ...hook.httpGet, port: hook.httpGet.port === '#' ? port : hook.httpGet.port }
      const { target, world, told } = await setUp({ postStart: httpGet ? { httpGet } : hook })
      const failed = await runPostStart(target, world).catch((error: Error) => error)
      assert.deepEqual(failed && { name: failed.name, message: failed.message }, want && { name: 'HookError', message: want })
      assert.deepEqual(told, want === undefined ? [] : ['main|Warning|FailedPostStartHook|PostStartHook failed'])
      if (hook?.httpGet?.path === '/started') assert.deepEqual(asked, ['GET /started kube-lifecycle/1.32'])
    },
  )
})

describe('runPreStop', () => {
  cases(
    [
      { name: 'has nothing to do', hook: undefined, grace: 30, waits: 0, left: 30, told: 0 },
      { name: 'leaves what the hook did not use', hook: { sleep: { seconds: 5 } }, grace: 30, waits: 5, left: 25, told: 0 },
      { name: 'leaves two seconds at least', hook: { sleep: { seconds: 29 } }, grace: 30, waits: 29, left: 2, told: 0 },
      { name: 'waits no longer than there is time', hook: { sleep: { seconds: 500 } }, grace: 10, waits: 10, left: 2, told: 0 },
      {
        name: 'waits no longer for a command either',
        hook: { exec: { command: ['sleep', '99'] } },
        grace: 10,
        waits: 10,
        left: 2,
        told: 0,
      },
      { name: 'goes on after a failure', hook: { exec: { command: ['false'] } }, grace: 30, waits: 0, left: 30, told: 1 },
      { name: 'skips the hook without time', hook: { exec: { command: ['false'] } }, grace: 0, waits: 0, left: 0, told: 0 },
    ],
    async ({ hook, grace, waits, left, told: failures }) => {
      const { target, world, told, clock } = await setUp({ preStop: hook })
      const startedAt = clock.now()
      let endedAt = 0
      const running = runPreStop(target, grace, world).finally(() => {
        endedAt = clock.now()
      })
      await clock.advance(60_000)
      assert.equal(await running, left)
      assert.equal((endedAt - startedAt) / 1000, waits)
      assert.deepEqual(told, Array(failures).fill('main|Warning|FailedPreStopHook|PreStopHook failed'))
    },
  )
  it('can be answered by a simulation', async () => {
    const { target, world, told } = await setUp({ preStop: { httpGet: { path: '/', port: 1 } } })
    assert.equal(await runPreStop(target, 30, { ...world, httpGet: async () => ({ statusCode: 200, body: '' }) }), 30)
    assert.deepEqual(told, [])
  })
})
