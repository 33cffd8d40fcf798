// The Client that speaks HTTP: any Kubernetes API server, one HTTP/2 connection.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import { isRecord } from '../api/schema.ts'
import { yaml } from '../lib/lazy-yaml.ts'
import type { Client, DeleteOptions, ListOptions, ListResult, PatchType, Ref, Watched, Where, WriteOptions } from './client.ts'
import { deepFrozen } from './frozen.ts'
import { type Connection, type HttpTarget, openConnection } from './http-connection.ts'
import { watchLines } from './http-watch.ts'

export interface HttpClient extends Client {
  /** The JSON at a path that is no resource, such as /debug/scheduler. Rejects as the other methods do. */
  getPath(path: string): Promise<unknown>
  /** Ends every call and watch that is under way. */
  close(): Promise<void>
}

const patchTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
}

/** Connects with the first call, and again after a connection was lost. Failures below HTTP are StatusErrors of 503. */
export function httpClient(target: HttpTarget): HttpClient {
  const connection = openConnection(target)
  const json = async <T>(method: string, path: string, body?: unknown, type = 'application/json') =>
    deepFrozen((await connection.call({ method, path, body, type })) as T)
  return {
    get: (kind, ref) => json('GET', objectPath(kind, ref)),
    list: <K extends AnyKind>(kind: K, where: ListOptions = {}) => listOf<K>(connection, kind, where),
    watch: (kind, since, where) => watched<typeof kind>(connection, kind, since, where),
    create: (kind, object, options) =>
      json('POST', `${collectionPath(kind, homeOf(kind, object))}${queryOf(writeWords(options))}`, object),
    update: (kind, object, options = {}) =>
      json('PUT', `${objectPath(kind, refOf(object), options.subresource)}${queryOf(writeWords(options))}`, object),
    patch: (kind, ref, { type, body, subresource, ...options }) =>
      json('PATCH', `${objectPath(kind, ref, subresource)}${queryOf(writeWords(options))}`, body, patchTypes[type]),
    async delete(kind, ref, options) {
      await json('DELETE', objectPath(kind, ref), deleteBody(options))
    },
    async deleteCollection(kind, { namespace, ...where }, options) {
      await json('DELETE', `${collectionPath(kind, namespace)}${queryOf(where)}`, deleteBody(options))
    },
    async createSubresource(kind, ref, subresource, body) {
      await json('POST', objectPath(kind, ref, subresource), body)
    },
    getPath: (path) => json('GET', path),
    close: () => connection.close(),
  }
}

const refOf = ({ metadata: { namespace, name } }: AnyObject): Ref => ({ namespace, name })
const homeOf = (kind: AnyKind, { metadata }: AnyObject): string | undefined =>
  kind.scope === 'namespaced' ? (metadata.namespace ?? 'default') : undefined

function collectionPath({ group, apiVersion, plural }: AnyKind, namespace?: string): string {
  const inside = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return `${group === '' ? '/api' : '/apis'}/${apiVersion}${inside}/${plural}`
}

function objectPath(kind: AnyKind, { namespace, name }: Ref, subresource?: string): string {
  const path = `${collectionPath(kind, kind.scope === 'namespaced' ? namespace : undefined)}/${encodeURIComponent(name)}`
  return subresource === undefined ? path : `${path}/${subresource}`
}

const writeWords = ({ dryRun }: WriteOptions = {}) => ({ dryRun: dryRun ? 'All' : undefined })

function queryOf(words: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(words).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  )
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
}

const deleteBody = ({ dryRun, ...options }: DeleteOptions = {}) => ({
  ...{ kind: 'DeleteOptions', apiVersion: 'v1', ...options },
  ...(dryRun ? { dryRun: ['All'] } : {}),
})

interface WireList {
  items: AnyObject[]
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }
}

async function listOf<K extends AnyKind>(
  connection: Connection,
  kind: K,
  { namespace, ...words }: ListOptions,
): Promise<ListResult<ObjectOf<K>>> {
  const path = `${collectionPath(kind, namespace)}${queryOf({ ...words })}`
  const list = deepFrozen((await connection.call({ method: 'GET', path })) as WireList)
  const { resourceVersion, continue: token, remainingItemCount } = list.metadata
  const rest = { ...(token ? { continue: token } : {}), ...(remainingItemCount ? { remainingItemCount } : {}) }
  return { items: list.items as ObjectOf<K>[], resourceVersion, ...rest }
}

async function* watched<K extends AnyKind>(
  connection: Connection,
  kind: K,
  since: string,
  { namespace, signal, ...where }: Where & { signal: AbortSignal },
): AsyncGenerator<Watched<ObjectOf<K>>> {
  const words = { ...where, watch: true, allowWatchBookmarks: true, resourceVersion: since }
  const path = `${collectionPath(kind, namespace)}${queryOf(words)}`
  for await (const { type, object } of watchLines(connection, path, signal)) {
    if (type === 'BOOKMARK') yield { type, resourceVersion: object.metadata.resourceVersion ?? since }
    else yield { type, object: deepFrozen(object) as ObjectOf<K> }
  }
}

/** Address and certificates of a kubeconfig's current context; paths in it are taken from where it lies. */
export async function readKubeconfig(path: string): Promise<HttpTarget> {
  const config = yaml().parse(await readFile(path, 'utf8')) as unknown
  if (!isRecord(config)) throw new Error(`${path} is not a kubeconfig`)
  const context = named(config, 'contexts', 'context', config['current-context'])
  const cluster = named(config, 'clusters', 'cluster', context.cluster)
  const user = named(config, 'users', 'user', context.user)
  const pem = (from: Record<string, unknown>, name: string) => pemOf(path, from, name)
  const [ca, cert, key] = await Promise.all([
    pem(cluster, 'certificate-authority'),
    pem(user, 'client-certificate'),
    pem(user, 'client-key'),
  ])
  return { url: String(cluster.server), tls: { ca, cert, key } }
}

export const clientFromKubeconfig = async (path: string): Promise<HttpClient> => httpClient(await readKubeconfig(path))

function named(config: Record<string, unknown>, list: string, field: string, name: unknown): Record<string, unknown> {
  const entries = Array.isArray(config[list]) ? (config[list] as unknown[]) : []
  const found = entries.filter(isRecord).find((entry) => entry.name === name)?.[field]
  if (!isRecord(found)) throw new Error(`the kubeconfig has no ${field} named ${JSON.stringify(name)}`)
  return found
}

async function pemOf(path: string, from: Record<string, unknown>, name: string): Promise<string> {
  const inline = from[`${name}-data`]
  if (typeof inline === 'string') return Buffer.from(inline, 'base64').toString()
  const file = from[name]
  if (typeof file !== 'string') throw new Error(`${path} names no ${name}`)
  return readFile(resolve(dirname(path), file), 'utf8')
}
