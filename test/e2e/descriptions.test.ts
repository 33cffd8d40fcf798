// kubectl explain says what upstream says: the texts that the build joins, in the documents of a real server.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, it } from 'vitest'
import { namedTypes } from '../../src/api/schema.ts'
import '../../src/api/kinds.ts'
import type { Descriptions } from '../../src/server/descriptions.ts'
import { startTestServer } from './http-server.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { kubectl } from './stream-stub.ts'

const script = pathToFileURL(join(import.meta.dirname, '../../scripts/descriptions.mjs')).href
const { makeDescriptions } = (await import(script)) as { makeDescriptions: () => Promise<Descriptions> }
const descriptions = await makeDescriptions()
const binaries = await kubectlBinaries()

describe('descriptions', () => {
  it('are there for every type, and for nearly every field that is no object of its own', () => {
    const silent: string[] = []
    for (const [name, texts] of Object.entries(descriptions)) {
      const shape = namedTypes.get(name)?.shape
      if (!texts['']) silent.push(name)
      if (shape?.is !== 'object') continue
      for (const [field, type] of Object.entries(shape.fields)) {
        const isObject = 'any' === type.shape.is || typeof type.openapi.$ref === 'string'
        if (!isObject && !texts[field]) silent.push(`${name}.${field}`)
      }
    }
    assert.deepEqual(silent, [])
  })

  it('are plain text', () => {
    const texts = Object.values(descriptions).flatMap((fields) => Object.values(fields))
    assert.deepEqual(
      texts.filter((text) => /\\["']|\*_\/|&[a-z]+;/.test(text)),
      [],
    )
  })
})

for (const { name, path, missing } of binaries)
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it('explains in the words of upstream', async () => {
      await using server = await startTestServer({ descriptions: () => descriptions })
      const explain = async (what: string) => {
        const flags = [`--kubeconfig=${server.kubeconfig}`, `--cache-dir=${join(server.folder, 'cache')}`]
        const { code, stdout, stderr } = await kubectl(path, [...flags, 'explain', what])
        assert.equal(code, 0, stderr)
        return stdout.toString().replace(/\s+/g, ' ')
      }
      assert.match(
        await explain('pod.spec.runtimeClassName'),
        /DESCRIPTION: RuntimeClassName refers to a RuntimeClass object in the node\.k8s\.io group, which should be used to run this pod\. If no RuntimeClass resource matches the named class, the pod will not be run\./,
      )
      const overhead = await explain('runtimeclass.overhead')
      assert.match(overhead, /Overhead structure represents the resource overhead associated with running a pod\./)
      assert.match(overhead, /podFixed <.*> podFixed represents the fixed resource overhead associated with running a pod\./)
    })
  })
