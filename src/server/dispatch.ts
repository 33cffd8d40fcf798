// From a request to the handler of its route, and from whatever that throws to a Status.
import { randomUUID } from 'node:crypto'
import type { User } from '../admission/chain.ts'
import { DecodeError } from '../api/schema.ts'
import { badRequest, internal, methodNotAllowed, pathNotFound, type Status, statusOf, unauthorized } from '../api/status.ts'
import type { UpgradeRequest } from '../lib/upgrade.ts'
import type { Call, Handler, HttpRequest, HttpResponse, HttpWorld, Target } from './call.ts'
import { isUpgradeVerb, serveUpgrade } from './kubelet-calls.ts'
import { countRequest } from './metrics.ts'
import { resourcePath } from './request-path.ts'
import { sendStatus } from './respond.ts'
import { plainRoutes, type ResourceRoute, routesFor } from './routes.ts'

export interface Arrival {
  request: HttpRequest
  response: HttpResponse
  /** undefined: nobody we know. */
  user: User | undefined
}

/** Answers every request with something. Never rejects. */
export async function dispatch(world: HttpWorld, { request, response, user }: Arrival): Promise<void> {
  const { pathname, query } = splitUrl(request.url)
  const method = request.method ?? 'GET'
  response.setHeader('audit-id', String(request.headers['audit-id'] ?? randomUUID()))
  response.setHeader('cache-control', 'no-cache, private')
  const nobody: User = { name: 'system:anonymous', groups: ['system:unauthenticated'] }
  const call: Call = { method, pathname, query, request, response, user: user ?? nobody, warnings: [], world }
  try {
    if (!user) throw unauthorized()
    await handle(call)
  } catch (error) {
    await refuse(call, failureOf(world, error, `${method} ${pathname}`)).catch(() => response.destroy())
  }
  countRequest(call)
}

export function splitUrl(url = '/'): { pathname: string; query: URLSearchParams } {
  const mark = url.indexOf('?')
  return mark < 0
    ? { pathname: url, query: new URLSearchParams() }
    : { pathname: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) }
}

async function handle(call: Call): Promise<void> {
  const handler = plainHandler(call) ?? resourceHandler(call)
  await handler(call)
}

const compiled = plainRoutes.map(([path, handler]) => ({ pattern: patternOf(path), handler }))

function patternOf(path: string): RegExp {
  const source = path
    .replaceAll('.', '\\.')
    .replace(/\/\*\*$/, '(/.*)?')
    .replaceAll(/\/\*(?!\))/g, '/[^/]+')
  return new RegExp(`^${source}/?$`)
}

function plainHandler(call: Call): Handler | undefined {
  const handler = compiled.find(({ pattern }) => pattern.test(call.pathname))?.handler
  return handler && forMethod(call, [{ method: 'GET', handler }])
}

function resourceHandler(call: Call): Handler {
  const { target, routes } = lookUp(call.world, call.pathname) ?? {}
  if (!target || !routes) throw pathNotFound()
  const handler = forMethod(call, routes)
  return () => handler(call, target)
}

/** The target of a path and what may be done with it; undefined when nothing is there. */
function lookUp({ kinds }: HttpWorld, pathname: string): { target: Target; routes: readonly ResourceRoute[] } | undefined {
  const path = resourcePath(pathname)
  const kind = path && kinds.find(({ apiVersion, plural }) => apiVersion === path.apiVersion && plural === path.plural)
  if (!path || !kind) return undefined
  const { namespace, name, subresource } = path
  const target = { kind, namespace, name: name ?? '', subresource }
  const routes = routesFor(kind, path)
  if (!routes || (kind.scope === 'cluster' && namespace !== undefined)) return undefined
  if (kind.scope === 'cluster' || namespace !== undefined) return { target, routes }
  // across namespaces objects are listed and watched only
  return name === undefined ? { target, routes: routes.filter(({ method }) => method === 'GET') } : undefined
}

/** Throws 405 with the methods there are. */
function forMethod<H>(call: Call, routes: readonly { method: string; handler: H }[]): H {
  const method = call.method === 'HEAD' ? 'GET' : call.method
  const found = routes.find((route) => route.method === method)
  if (found) return found.handler
  call.response.setHeader('allow', routes.map((route) => route.method).join(', '))
  throw methodNotAllowed()
}

/** Throws a StatusError when there is nothing to join the client with. */
export async function dispatchUpgrade(
  world: HttpWorld,
  upgrade: UpgradeRequest,
  { pathname, query }: { pathname: string; query: URLSearchParams },
): Promise<void> {
  const { target } = lookUp(world, pathname) ?? {}
  if (!target) throw pathNotFound()
  if (!isUpgradeVerb(target.subresource)) throw badRequest('this path cannot be upgraded')
  await serveUpgrade(world, upgrade, target, query)
}

/** The Status a client sees. What nobody foresaw is logged here, with its cause, and told to nobody else. */
export function failureOf(world: HttpWorld, error: unknown, what: string): Status {
  const status = statusOf(error)
  if (status) return status
  if (error instanceof DecodeError) return badRequest(error.message).status
  world.log(`${what} failed`, error)
  return internal('the server met an unexpected condition; its log says more').status
}

async function refuse(call: Call, status: Status): Promise<void> {
  const { request, response } = call
  if (response.headersSent) return void response.destroy()
  if (!request.complete && hasBody(request)) discardRest(call)
  await sendStatus(call, status)
}

// k8s: a Go client takes a reset of its stream for a failure, even behind a whole answer: never reset without need
const hasBody = (request: HttpRequest): boolean =>
  'stream' in request
    ? !request.stream.endAfterHeaders
    : 'content-length' in request.headers || 'transfer-encoding' in request.headers

/** What a client may still send after it was refused: closing over unread bytes would cost it the answer. */
const discardedBytes = 32 * 1024 * 1024
const discardMs = 10_000

function discardRest({ request, world }: Call): void {
  const cut = () => ('stream' in request ? request.stream.close() : request.destroy())
  let left = discardedBytes
  request.on('data', (part: Buffer) => {
    left -= part.length
    if (left < 0) cut()
  })
  const cancel = world.clock.after(discardMs, cut)
  request.once('close', cancel)
  request.once('end', cancel)
}
