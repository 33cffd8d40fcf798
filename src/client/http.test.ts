import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { statusOf } from '../api/status.ts'
import { httpClient, readKubeconfig } from './http.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('a kubeconfig', () => {
  const config = (user: string) => `apiVersion: v1
kind: Config
current-context: two
contexts:
- {name: one, context: {cluster: a, user: a}}
- {name: two, context: {cluster: b, user: b}}
clusters:
- {name: b, cluster: {server: 'https://h:1', certificate-authority-data: Q0E=}}
users:
- name: b
  user: ${user}
`
  const written = async (user: string) => {
    const path = join(folder, 'config')
    await writeFile(path, config(user))
    return path
  }

  it('gives the address and certificates of its current context', async () => {
    const path = await written('{client-certificate-data: Q1JU, client-key-data: S0VZ}')
    assert.deepEqual(await readKubeconfig(path), { url: 'https://h:1', tls: { ca: 'CA', cert: 'CRT', key: 'KEY' } })
  })

  it('may name files beside it', async () => {
    await writeFile(join(folder, 'my.crt'), 'CRT')
    await writeFile(join(folder, 'my.key'), 'KEY')
    const path = await written('{client-certificate: my.crt, client-key: my.key}')
    assert.deepEqual((await readKubeconfig(path)).tls, { ca: 'CA', cert: 'CRT', key: 'KEY' })
  })

  it('is refused when something is missing, by name', async () => {
    await assert.rejects(readKubeconfig(await written('{token: x}')), /names no client-certificate$/)
    const path = join(folder, 'empty')
    await writeFile(path, '- 1\n')
    await assert.rejects(readKubeconfig(path), /empty is not a kubeconfig$/)
    await writeFile(path, 'current-context: x\n')
    await assert.rejects(readKubeconfig(path), /has no context named "x"$/)
  })
})

describe('a server that is not there', () => {
  it('is a 503 for calls and watches', async () => {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    listener.close()
    await once(listener, 'close')
    const client = httpClient({ url: `https://127.0.0.1:${port}`, tls: { ca: '', cert: '', key: '' } })
    const { signal } = new AbortController()
    const attempts = [
      client.get(Pod, { namespace: 'a', name: 'b' }),
      client.watch(Pod, '1', { signal })[Symbol.asyncIterator]().next(),
    ]
    for (const attempt of attempts) {
      await assert.rejects(attempt, (error) => statusOf(error)?.code === 503 && statusOf(error)?.reason === 'ServiceUnavailable')
    }
    await client.close()
    await assert.rejects(client.get(Pod, { namespace: 'a', name: 'b' }), /the client is closed/)
  })
})
