// What is known of a node's handlers goes with the node: NodeHandlers and HandlerMeasurements that a Node owns.
import { Node } from '../api/core/node.ts'
import { HandlerMeasurement } from '../api/polypod/handler-measurement.ts'
import { NodeHandler } from '../api/polypod/node-handler.ts'
import { isNotFound } from '../api/status.ts'
import type { Client, Ref } from '../client/client.ts'
import { type Controller, refOf, watching, type World } from './controller.ts'

const kinds = [NodeHandler, HandlerMeasurement] as const

/** Keys are names of nodes. */
export const nodeFacts = (): Controller => ({
  name: 'node-facts',
  watches: [
    watching(Node, ({ type, object }) => (type === 'DELETED' ? [refOf(object)] : [])),
    ...kinds.map((kind) => watching(kind, ({ type, object }) => (type === 'ADDED' ? [{ name: object.spec.nodeName }] : []))),
  ],
  async reconcile(ref, world) {
    if (world.mirrored(Node).get(ref) || (await isThere(world.client, ref))) return undefined
    for (const kind of kinds) await removeAll(kind, ref, world)
    return undefined
  },
})

async function removeAll(kind: (typeof kinds)[number], { name }: Ref, { client, mirrored }: World): Promise<void> {
  for (const object of mirrored(kind)
    .list()
    .filter(({ spec }) => spec.nodeName === name))
    await client.delete(kind, refOf(object), { preconditions: { uid: object.metadata.uid } }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error
    })
}

/** The copy may be older than what it is asked about. */
async function isThere(client: Client, node: Ref): Promise<boolean> {
  try {
    await client.get(Node, node)
    return true
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
}
