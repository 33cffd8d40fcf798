// PATCH: JSON patch, merge patch and strategic merge patch of what is there.
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import { invalid } from '../api/field-error.ts'
import type { AnyKind } from '../api/kind.ts'
import { isRecord } from '../api/schema.ts'
import { badRequest, failure, invalidObject, type StatusError } from '../api/status.ts'
import type { PatchType } from '../client/client.ts'
import type { Stored } from './api-server.ts'
import { checkName, decodeBody, placeInNamespace, warningOnce } from './decode-body.ts'
import { mergePatch } from './merge-patch.ts'
import { strategicMergePatch } from './strategic-merge-patch.ts'
import { rewrite, type UpdateContext } from './update.ts'
import type { Target, World } from './world.ts'

export interface Patch {
  type: PatchType
  body: unknown
}

const operationLimit = 10_000

/** Applied again to the newer object when another write came between; a resourceVersion in the patch forbids that (409). */
export async function patch(world: World, target: Target, change: Patch, asked: UpdateContext): Promise<Stored> {
  const { kind, ref } = target
  const context = warningOnce(asked)
  const apply = patcher(kind, change)
  const wish = ({ object }: Stored) => {
    const document = apply(object)
    const next = decodeBody(kind, document, context, (why) => notApplicable(document, why))
    checkName(next, ref)
    return placeInNamespace(kind, next, ref.namespace)
  }
  return rewrite(world, target, wish, context)
}

/** k8s: what a patch makes of an object is blamed on a field named `patch` of a kind without name. */
const notApplicable = (document: unknown, why: string): StatusError =>
  invalidObject({ group: '', plural: '', kind: '' }, '', [invalid('patch', JSON.stringify(document), why)])

function patcher(kind: AnyKind, { type, body }: Patch): (document: unknown) => unknown {
  if (type === 'json') return jsonPatcher(body)
  if (!isRecord(body)) throw badRequest('the patch must be a JSON object')
  return type === 'merge'
    ? (document) => mergePatch(document, body)
    : (document) => strategicMergePatch(document, body, kind.type)
}

function jsonPatcher(body: unknown): (document: unknown) => unknown {
  if (!Array.isArray(body) || !body.every(isRecord)) throw badRequest('a JSON patch must be an array of operations')
  if (body.length > operationLimit)
    throw failure(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${operationLimit}, got ${body.length}`,
    )
  const operations = body as unknown as Operation[]
  return (document) => {
    try {
      // the copy makes room for the patch; keys that reach prototypes are refused by the library
      return fastJsonPatch.applyPatch(structuredClone(document), operations, true, true, true).newDocument
    } catch (error) {
      throw rejected(error)
    }
  }
}

/** k8s: says nothing of what was wrong; our cause does, without the whole document the library's message ends with. */
function rejected(error: unknown): StatusError {
  const message = (error instanceof Error ? error.message : String(error)).split('\n')[0]
  const causes = [{ message }]
  return failure(422, 'Invalid', 'the server rejected our request due to an error in our request', { causes })
}
