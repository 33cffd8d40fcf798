// What the API server passes on to the kubelet of a Pod's node: exec, attach, port-forward, logs.
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { badRequest, failure, internal, type StatusError } from '../api/status.ts'
import { type UpgradeRequest } from '../lib/upgrade.ts'
import type { ApiServer } from './api-server.ts'
import type { Handler, HttpWorld, ResourceHandler, Target } from './call.ts'
import { integerOf } from './query.ts'
import { send } from './respond.ts'
import { commandPath, type KubeletTarget, logPath, portForwardPath, proxyText, proxyUpgrade } from './stream-proxy.ts'

type UpgradeVerb = 'exec' | 'attach' | 'portforward'
export const isUpgradeVerb = (word: string | undefined): word is UpgradeVerb =>
  word === 'exec' || word === 'attach' || word === 'portforward'

/** Joins the client with the kubelet. Throws a StatusError when there is no one to join it with. */
export async function serveUpgrade(
  world: HttpWorld,
  upgrade: UpgradeRequest,
  target: Target,
  query: URLSearchParams,
): Promise<void> {
  const { namespace = '', name, subresource } = target
  const pod = await podOf(world.api, target)
  const container = subresource === 'portforward' ? '' : chosenContainer(pod, query.get('container'))
  if (!pod.spec.nodeName) throw badRequest(`pod ${name} does not have a host assigned`)
  const address = await kubeletOf(world, pod.spec.nodeName)
  const ref = { namespace, pod: name, container }
  const path =
    subresource === 'portforward'
      ? portForwardPath(namespace, name, query)
      : commandPath(subresource === 'attach' ? 'attach' : 'exec', ref, query)
  await proxyUpgrade(upgrade, { ...address, path })
}

/** k8s: without an upgrade these verbs say so. */
export const refusePlain: ResourceHandler = () => {
  throw badRequest('Upgrade request required')
}

/** GET pods/NAME/log. k8s: a Pod without a node has an empty log. */
export const serveLog: ResourceHandler = async (call, target) => {
  const { namespace = '', name } = target
  for (const word of ['sinceSeconds', 'tailLines', 'limitBytes']) integerOf(call.query, word)
  const pod = await podOf(call.world.api, target)
  const container = chosenContainer(pod, call.query.get('container'))
  if (!pod.spec.nodeName) return send(call, { code: 200, type: 'text/plain', pieces: [] })
  const address = await kubeletOf(call.world, pod.spec.nodeName)
  const path = logPath({ namespace, pod: name, container }, call.query)
  const refusal = await proxyText({ ...address, path }, call.response as Parameters<typeof proxyText>[1])
  if (refusal) throw refusalOf(refusal)
}

/** GET /api/v1/nodes/NODE/proxy/PATH: whatever the node's kubelet serves at that path. */
export const serveNodeProxy: Handler = async (call) => {
  const [, node = '', rest = ''] = /^\/api\/v1\/nodes\/([^/]+)\/proxy(\/.*)?$/.exec(call.pathname) ?? []
  const name = decodeURIComponent(node)
  const address = await kubeletOf(call.world, name)
  const query = new URLSearchParams(call.query)
  // nodes of one process share a kubelet server; k8s: a kubelet of upstream stands for one node, and does not read this
  if (!query.has('node')) query.set('node', name)
  const target = { ...address, path: `${rest || '/'}?${query.toString()}` }
  const refusal = await proxyText(target, call.response as Parameters<typeof proxyText>[1])
  if (refusal) throw refusalOf(refusal)
}

function refusalOf({ code, text }: { code: number; text: string }): StatusError {
  const message = text.trim()
  if (code === 400) return badRequest(message)
  if (code === 404) return failure(404, 'NotFound', message)
  if (code === 502) return failure(500, 'InternalError', message)
  return internal(message)
}

const podOf = async (api: ApiServer, { namespace, name }: Target): Promise<Pod> =>
  (await api.get(Pod, { namespace, name })).object as unknown as Pod

/** The container that is meant. Throws 400, in upstream's words, when none or several could be. */
function chosenContainer(pod: Pod, asked: string | null): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  const names = (list: readonly { name: string }[]) => list.map(({ name }) => name)
  if (asked) {
    if (names([...containers, ...initContainers, ...ephemeralContainers]).includes(asked)) return asked
    throw badRequest(`container ${asked} is not valid for pod ${pod.metadata.name}`)
  }
  const [only, ...others] = containers
  if (only && others.length === 0) return only.name
  const choices = [`choose one of: [${names(containers).join(' ')}]`]
  if (initContainers.length > 0) choices.push(`or one of the init containers: [${names(initContainers).join(' ')}]`)
  if (ephemeralContainers.length > 0)
    choices.push(`or one of the ephemeral containers: [${names(ephemeralContainers).join(' ')}]`)
  throw badRequest(`a container name must be specified for pod ${pod.metadata.name}, ${choices.join(' ')}`)
}

/** Where the node's kubelet listens. Throws 404 without the node, 500 when it says no address. */
export async function kubeletOf(
  { api, kubelet }: Pick<HttpWorld, 'api' | 'kubelet'>,
  name: string,
): Promise<Omit<KubeletTarget, 'path'>> {
  const { status } = (await api.get(Node, { name })).object as unknown as Node
  const host = kubelet.host ?? status.addresses?.find(({ type }) => type === 'InternalIP')?.address
  const port = status.daemonEndpoints?.kubeletEndpoint?.Port
  if (!host) throw internal(`no preferred addresses found; known addresses: ${JSON.stringify(status.addresses ?? [])}`)
  if (!port) throw internal(`node ${name} has not said where its kubelet listens`)
  const { key, cert, ca } = kubelet.clientTls
  return { host, port, key, cert, ca, servername: '' }
}
