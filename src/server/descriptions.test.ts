import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { kinds } from '../api/kinds.ts'
import { builtDescriptions, described } from './descriptions.ts'
import { makeDocuments } from './documents.ts'
import type { Json } from './openapi-schema.ts'

const runtimeClass = 'io.k8s.api.node.v1.RuntimeClass'

describe('descriptions', () => {
  it('stand in the place of what was said before, and nowhere else', () => {
    const schemas = {
      A: {
        description: 'ours',
        type: 'object',
        properties: { x: { type: 'string', description: 'ours' }, y: { type: 'string' } },
      },
      B: { description: 'ours', type: 'string' },
    }
    assert.deepEqual(described(schemas, { A: { '': 'A.', x: 'x.', gone: 'nothing.' } }), {
      A: { description: 'A.', type: 'object', properties: { x: { type: 'string', description: 'x.' }, y: { type: 'string' } } },
      B: { description: 'ours', type: 'string' },
    })
    assert.equal(schemas.A.description, 'ours')
  })

  it('are in both versions of the document, and asked for once', () => {
    let asked = 0
    const documents = makeDocuments(kinds, () => {
      asked++
      return { [runtimeClass]: { '': 'A class.', handler: 'A handler.', overhead: 'An overhead.' } }
    })
    assert.equal(asked, 0)
    const v2 = JSON.parse(documents.openapiV2Json().bytes.toString()) as { definitions: Record<string, Json> }
    const v3 = JSON.parse(String(documents.openapiV3('apis/node.k8s.io/v1')?.bytes)) as {
      components: { schemas: Record<string, Json> }
    }
    for (const schema of [v2.definitions[runtimeClass], v3.components.schemas[runtimeClass]]) {
      const { handler, overhead } = (schema?.properties ?? {}) as Record<string, Json>
      assert.deepEqual(
        [schema?.description, handler?.description, overhead?.description],
        ['A class.', 'A handler.', 'An overhead.'],
      )
    }
    assert.match(documents.openapiV2Protobuf().bytes.toString(), /A handler\./)
    assert.equal(asked, 1)
  })

  it('are none beside the sources', () => assert.deepEqual(builtDescriptions(), {}))
})
