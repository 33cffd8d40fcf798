import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { commandPath, logPath, portForwardPath, proxyText, proxyUpgrade } from './stream-proxy.ts'

const ref = { namespace: 'ns', pod: 'web', container: 'main' }

describe('paths on the kubelet', () => {
  cases(
    [
      {
        name: 'exec turns the words for streams into the kubelet’s and keeps every word of the command',
        got: commandPath(
          'exec',
          ref,
          new URLSearchParams('command=sh&command=-c&command=a%20%26%20b&stdin=true&stdout=1&tty=false'),
        ),
        want: '/exec/ns/web/main?input=1&output=1&command=sh&command=-c&command=a+%26+b',
      },
      {
        name: 'attach has no command',
        got: commandPath('attach', ref, new URLSearchParams('stdout=true&stderr=true&tty=true&container=main')),
        want: '/attach/ns/web/main?output=1&error=1&tty=1',
      },
      {
        name: 'port-forward passes ports one by one',
        got: portForwardPath('ns', 'web', new URLSearchParams('ports=80,81&ports=82')),
        want: '/portForward/ns/web?port=80&port=81&port=82',
      },
      {
        name: 'logs keep their words, but the container goes into the path',
        got: logPath(ref, new URLSearchParams('container=main&follow=true&tailLines=3')),
        want: '/containerLogs/ns/web/main?follow=true&tailLines=3',
      },
      {
        name: 'no name can leave its place',
        got: logPath({ ...ref, pod: '../x?y' }, new URLSearchParams()),
        want: '/containerLogs/ns/..%2Fx%3Fy/main?',
      },
    ],
    ({ got, want }) => assert.equal(got, want),
  )
})

describe('a kubelet that cannot be reached', () => {
  async function closedPort(): Promise<number> {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    return port
  }

  it('makes an upgrade fail with a Status', async () => {
    const socket = new PassThrough()
    const request = { method: 'GET', rawHeaders: ['Upgrade', 'SPDY/3.1'], headers: {} } as unknown as IncomingMessage
    const port = await closedPort()
    await proxyUpgrade({ request, socket, head: Buffer.alloc(0) }, { host: '127.0.0.1', port, path: '/exec' })
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
    assert.equal(head.split('\r\n')[0], 'HTTP/1.1 500 Internal Server Error')
    assert.deepEqual(JSON.parse(body), {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `error dialing backend: connect ECONNREFUSED 127.0.0.1:${port}`,
      code: 500,
    })
  })

  it('is told to who asked for text, with nothing written', async () => {
    const response = Object.assign(new PassThrough(), { writeHead: assert.fail, flushHeaders: assert.fail })
    const port = await closedPort()
    assert.deepEqual(await proxyText({ host: '127.0.0.1', port, path: '/containerLogs' }, response), {
      code: 502,
      text: `error dialing backend: connect ECONNREFUSED 127.0.0.1:${port}`,
    })
  })
})
