import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'vitest'
import { parse } from 'yaml'
import { writeKubeconfig } from './kubeconfig.ts'

it('writes a kubeconfig with everything inside, for its owner only', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'kubeconfig-'))
  try {
    const path = join(dir, 'kubeconfig')
    await writeKubeconfig(path, { url: 'https://127.0.0.1:6443', ca: 'CA', admin: { cert: 'CERT', key: 'KEY' } })
    assert.equal(((await stat(path)).mode & 0o777).toString(8), '600')
    assert.deepEqual(parse(await readFile(path, 'utf8')), {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'polypod', cluster: { 'certificate-authority-data': 'Q0E=', server: 'https://127.0.0.1:6443' } }],
      contexts: [{ name: 'kubernetes-admin@polypod', context: { cluster: 'polypod', user: 'kubernetes-admin' } }],
      'current-context': 'kubernetes-admin@polypod',
      preferences: {},
      users: [{ name: 'kubernetes-admin', user: { 'client-certificate-data': 'Q0VSVA==', 'client-key-data': 'S0VZ' } }],
    })
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
