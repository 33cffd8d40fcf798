import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { NodeHandler, nodeHandlerName, systemNamespace } from '../api/polypod/node-handler.ts'
import type { Client } from '../client/client.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'
import { eventually } from '../testing/eventually.ts'
import { nodeFacts } from './node-facts.ts'

const make = (client: Client, nodeName: string, handler: string) =>
  client.create(
    NodeHandler,
    objectOf(NodeHandler, {
      metadata: { name: nodeHandlerName(nodeName, handler), namespace: systemNamespace },
      spec: { nodeName, handler },
    }),
  )
const names = async (client: Client) => (await client.list(NodeHandler)).items.map(({ metadata }) => metadata.name)

describe('what is known of the handlers of a node', () => {
  it('goes with the node, and what belongs to none goes at once', async () => {
    const { client } = await openControlPlane(nodeFacts())
    for (const name of ['a', 'b']) await client.create(Node, objectOf(Node, { metadata: { name } }))
    for (const [node, handler] of [
      ['a', 'runc'],
      ['a', 'crun'],
      ['b', 'runc'],
      ['ghost', 'runc'],
    ] as const)
      await make(client, node, handler)
    await eventually(async () => assert.deepEqual(await names(client), ['a.crun', 'a.runc', 'b.runc']) ?? true)
    await client.delete(Node, { name: 'a' })
    await eventually(async () => assert.deepEqual(await names(client), ['b.runc']) ?? true)
  })
})
