// PATCH: JSON patch, merge patch and strategic merge patch of what is there.
import type { AnyKind } from '../api/kind.ts'
import { badRequest } from '../api/status.ts'
import type { PatchType, Ref } from '../client/client.ts'
import type { Stored } from './api-server.ts'
import { checkName, decodeBody, placeInNamespace } from './decode-body.ts'
import { mergePatch } from './merge-patch.ts'
import { type UpdateContext, rewrite } from './update.ts'
import type { World } from './world.ts'

export interface Patch {
  ref: Ref
  type: PatchType
  body: unknown
}

export async function patch(world: World, kind: AnyKind, { ref, type, body }: Patch, context: UpdateContext): Promise<Stored> {
  const apply = patcher(kind, type, body)
  const wish = ({ object }: Stored) => {
    const next = decodeBody(kind, apply(object), context)
    checkName(next, ref)
    return placeInNamespace(kind, next, ref.namespace)
  }
  return rewrite(world, kind, { ref, wish }, context)
}

function patcher(_kind: AnyKind, type: PatchType, body: unknown): (document: unknown) => unknown {
  if (type === 'merge') return (document) => mergePatch(document, body)
  throw badRequest(`${type} patches are not served yet`)
}
