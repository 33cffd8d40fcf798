// podexplanations of polypod.dev: why Pods wait, computed when asked for.
import type { User } from '../admission/chain.ts'
import { Pod } from '../api/core/pod.ts'
import type { AnyObject } from '../api/kind.ts'
import { PodExplanation } from '../api/polypod/pod-explanation.ts'
import { isRecord } from '../api/schema.ts'
import { badRequest, methodNotAllowed, notFound } from '../api/status.ts'
import { formOf, sendList, sendStored } from './answer.ts'
import type { Stored } from './api-server.ts'
import { parseObject, readBody } from './body.ts'
import type { Call, ResourceHandler } from './call.ts'
import { decodeBody, placeInNamespace } from './decode-body.ts'
import { listCall } from './query.ts'
import { jsonBytes } from './respond.ts'

/** What answers; another room knows how. */
export interface Explainer {
  /** Of Pods that are there, in their order. */
  stored(pods: readonly Pod[]): Promise<readonly PodExplanation[]>
  /** Of one that `user` might create. */
  manifest(pod: Pod, user: User): Promise<PodExplanation>
}

function explainerOf({ world }: Call): Explainer {
  if (!world.explainer) throw methodNotAllowed()
  return world.explainer
}

const servedAs = (explanation: PodExplanation): Stored => {
  const object = explanation as AnyObject
  return { object, bytes: jsonBytes(object), revision: 0 }
}

/** GET of one. */
export const getExplanation: ResourceHandler = async (call, { namespace, name }) => {
  formOf(call)
  const { items } = await call.world.api.list(Pod, { namespace, fieldSelector: `metadata.name=${name}` })
  const [found] = items
  if (!found) throw notFound(Pod, name)
  const [explanation] = await explainerOf(call).stored([found.object as unknown as Pod])
  if (explanation) await sendStored(call, PodExplanation, 200, servedAs(explanation))
}

/** GET of a collection; selectors are those of Pods. */
export const listExplanations: ResourceHandler = async (call, { namespace }) => {
  formOf(call)
  const { watch, labelSelector, fieldSelector } = listCall(call.query)
  if (watch) throw methodNotAllowed()
  const { items, resourceVersion } = await call.world.api.list(Pod, { namespace, labelSelector, fieldSelector })
  const explained = await explainerOf(call).stored(items.map(({ object }) => object as unknown as Pod))
  await sendList(call, PodExplanation, { items: explained.map(servedAs), resourceVersion })
}

/** POST: spec.pod is a manifest, which is not created. */
export const explainManifest: ResourceHandler = async (call, { namespace }) => {
  formOf(call)
  const { value } = parseObject(await readBody(call.request), call.request.headers['content-type'], PodExplanation.kind)
  const asked = decodeBody(PodExplanation, value, {}) as PodExplanation
  const manifest = asked.spec?.pod
  if (!isRecord(manifest)) throw badRequest('spec.pod: a Pod manifest is required')
  const pod = placeInNamespace(Pod, decodeBody(Pod, manifest, { fieldValidation: 'Strict' }), namespace)
  if (!pod.metadata.name && !pod.metadata.generateName) throw badRequest('spec.pod: name or generateName is required')
  const explanation = await explainerOf(call).manifest(pod as unknown as Pod, call.user)
  await sendStored(call, PodExplanation, 201, servedAs({ ...explanation, spec: asked.spec }))
}
