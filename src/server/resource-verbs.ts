// The verbs of a resource, from HTTP to the ApiServer and back.
import { badRequest, unsupportedMediaType } from '../api/status.ts'
import { isRecord } from '../api/schema.ts'
import type { PatchType } from '../client/client.ts'
import { formOf, sendDeleted, sendList, sendStored } from './answer.ts'
import type { Subresource, WriteContext } from './api-server.ts'
import { mediaType, parseObject, parsePatch, readBody } from './body.ts'
import type { Call, ResourceHandler, Target } from './call.ts'
import { deleteCall, listCall, reportDuplicates, writeQuery } from './query.ts'
import { sendStatus } from './respond.ts'
import { serveWatch } from './watch-stream.ts'

const refOf = ({ namespace, name }: Target) => ({ namespace, name })

export const getObject: ResourceHandler = async (call, target) => {
  formOf(call)
  await sendStored(call, target.kind, 200, await call.world.api.get(target.kind, refOf(target)))
}

/** LIST, or WATCH when the query says so. */
export const listObjects: ResourceHandler = async (call, target) => {
  formOf(call)
  const { watch, timeoutSeconds, allowWatchBookmarks, sendInitialEvents, ...query } = listCall(call.query)
  if (watch) return serveWatch(call, target, { watch, timeoutSeconds, allowWatchBookmarks, sendInitialEvents, ...query })
  await sendList(call, target.kind, await call.world.api.list(target.kind, { ...query, namespace: target.namespace }))
}

interface WriteCall {
  value: unknown
  context: WriteContext
}

/** Body and context of a POST or PUT. */
async function writeCall(call: Call, kind: { kind: string; apiVersion: string }, options: string): Promise<WriteCall> {
  formOf(call)
  const context = contextOf(call, options)
  const { value, duplicates } = parseObject(await readBody(call.request), call.request.headers['content-type'], kind.kind)
  call.warnings.push(...reportDuplicates(duplicates, context.fieldValidation, kind))
  return { value, context }
}

const contextOf = (call: Call, options: string): WriteContext => ({
  user: call.user,
  warn: (text) => void call.warnings.push(text),
  ...writeQuery(call.query, options),
})

export const createObject: ResourceHandler = async (call, { kind, namespace }) => {
  const { value, context } = await writeCall(call, kind, 'CreateOptions')
  await sendStored(call, kind, 201, await call.world.api.create(kind, { namespace }, value, context))
}

const subresourceOf = ({ subresource }: Target): { subresource?: Subresource } =>
  subresource === 'status' || subresource === 'finalize' ? { subresource } : {}

export const replaceObject: ResourceHandler = async (call, target) => {
  const { value, context } = await writeCall(call, target.kind, 'UpdateOptions')
  const { api } = call.world
  const { stored, created } = await api.update(target.kind, refOf(target), value, { ...context, ...subresourceOf(target) })
  await sendStored(call, target.kind, created ? 201 : 200, stored)
}

const patchTypes: Record<string, PatchType> = {
  'application/json-patch+json': 'json',
  'application/merge-patch+json': 'merge',
  'application/strategic-merge-patch+json': 'strategic',
}

export const patchObject: ResourceHandler = async (call, target) => {
  formOf(call)
  const type = patchTypes[mediaType(call.request.headers['content-type'])]
  if (!type) throw unsupportedMediaType(Object.keys(patchTypes))
  const context = {
    ...contextOf(call, 'PatchOptions'),
    ...(target.subresource === 'status' ? { subresource: 'status' as const } : {}),
  }
  const { value: body, duplicates } = parsePatch(await readBody(call.request))
  call.warnings.push(...reportDuplicates(duplicates, context.fieldValidation, undefined))
  const { kind } = target
  await sendStored(call, kind, 200, await call.world.api.patch(kind, refOf(target), { type, body }, context))
}

/** DeleteOptions in the body, when there is one. */
async function deleteOptions(call: Call) {
  formOf(call)
  const bytes = await readBody(call.request)
  const body = bytes.length === 0 ? undefined : parseObject(bytes, call.request.headers['content-type'], 'DeleteOptions').value
  if (body !== undefined && !isRecord(body)) throw badRequest('json: cannot unmarshal into DeleteOptions: an object is wanted')
  const options = deleteCall(call.query, body)
  const warn = (text: string) => void call.warnings.push(text)
  const context: WriteContext = { user: call.user, warn, dryRun: options.dryRun }
  return { options, context }
}

export const deleteObject: ResourceHandler = async (call, target) => {
  const { options, context } = await deleteOptions(call)
  await sendDeleted(call, target.kind, await call.world.api.delete(target.kind, refOf(target), options, context))
}

export const deleteObjects: ResourceHandler = async (call, { kind, namespace }) => {
  const { options, context } = await deleteOptions(call)
  const { labelSelector, fieldSelector } = listCall(call.query)
  const where = { namespace, labelSelector, fieldSelector }
  await sendList(call, kind, await call.world.api.deleteCollection(kind, where, options, context))
}

/** POST pods/NAME/binding. */
export const bindPod: ResourceHandler = async (call, target) => {
  const { value, context } = await writeCall(call, { kind: 'Binding', apiVersion: 'v1' }, 'CreateOptions')
  const bound = await call.world.api.bind(refOf(target), value, context)
  await sendStatus(call, { ...bound, code: 201 })
}

/** POST pods/NAME/eviction. */
export const evictPod: ResourceHandler = async (call, target) => {
  const { value, context } = await writeCall(call, { kind: 'Eviction', apiVersion: 'policy/v1' }, 'CreateOptions')
  const evicted = await call.world.api.evict(refOf(target), value, context)
  await sendStatus(call, { ...evicted, code: 201 })
}

/** POST bindings: the old way, with the Pod's name in the body. */
export const createBinding: ResourceHandler = async (call, { namespace }) => {
  const { value, context } = await writeCall(call, { kind: 'Binding', apiVersion: 'v1' }, 'CreateOptions')
  const metadata = isRecord(value) && isRecord(value.metadata) ? value.metadata : {}
  if (typeof metadata.name !== 'string' || metadata.name === '') throw badRequest('name is required')
  const bound = await call.world.api.bind({ namespace, name: metadata.name }, value, context)
  await sendStatus(call, { ...bound, code: 201 })
}
