// Serves the discovery documents, in the old and in the aggregated form.
import { pathNotFound } from '../api/status.ts'
import { acceptClauses } from './accept.ts'
import type { Call, Handler } from './call.ts'
import { type AggregatedVersion, apiVersions } from './discovery.ts'
import type { Document } from './documents.ts'
import { send, sendJson } from './respond.ts'

export const coreVersions: Handler = (call) =>
  sendAggregated(call, 'api') ?? sendJson(call, 200, apiVersions(call.request.headers.host ?? '127.0.0.1'))

export const apiGroups: Handler = (call) => sendAggregated(call, 'apis') ?? sendDocument(call, call.world.documents.groups())

export const apiGroup: Handler = (call) => {
  const name = call.pathname.split('/')[2] ?? ''
  return sendDocument(call, call.world.documents.group(name))
}

/** /api/v1 and /apis/GROUP/VERSION. */
export const apiResources: Handler = (call) => {
  const [, root, ...rest] = call.pathname.replace(/\/$/, '').split('/')
  const apiVersion = rest.join('/')
  // the core group is at /api only
  const document = (root === 'api') === (rest.length === 1) ? call.world.documents.resources(apiVersion) : undefined
  return sendDocument(call, document)
}

/** undefined when the client did not ask for it before plain JSON. */
function sendAggregated(call: Call, root: 'api' | 'apis'): Promise<void> | undefined {
  for (const { type, params } of acceptClauses(call.request.headers.accept)) {
    const { g, v, as } = params
    if (type !== 'application/json') continue
    if (as === undefined) return undefined
    if (as !== 'APIGroupDiscoveryList' || g !== 'apidiscovery.k8s.io' || !isVersion(v)) continue
    const document = call.world.documents.aggregated(root, v)
    return sendDocument(call, document, `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`)
  }
  return undefined
}

const isVersion = (v: string | undefined): v is AggregatedVersion => v === 'v2' || v === 'v2beta1'

/** With ETag; 304 for a client that has it, 404 without a document. */
export async function sendDocument(
  call: Call,
  document: Document | undefined,
  type = 'application/json',
  headers: Record<string, string> = {},
): Promise<void> {
  if (!document) throw pathNotFound()
  const etag = `"${document.hash}"`
  const known = String(call.request.headers['if-none-match'] ?? '')
  const all = { etag, vary: 'Accept', ...headers }
  if (known.split(',').some((tag) => tag.trim() === etag)) return send(call, { code: 304, type, pieces: [], headers: all })
  await send(call, { code: 200, type, pieces: [document.bytes], headers: all })
}
