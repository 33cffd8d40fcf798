// Asks kubelets for /stats/summary, over connections that are kept; nodes that share a kubelet server are asked together.
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { internal } from '../api/status.ts'
import { type Deferred, deferred } from '../lib/deferred.ts'
import type { KubeletTarget } from './stream-proxy.ts'
import type { Summary } from './usage-rates.ts'

export interface KubeletStats {
  summary(node: string): Promise<Summary>
  close(): void
}

type Address = Omit<KubeletTarget, 'path'>

/** Nodes of one kubelet server that were asked for in the same moment. */
interface Batch {
  address: Address
  nodes: Map<string, Deferred<Summary>>
}

const timeoutMs = 10_000
/** Names go into the path of a request, which must not be longer than servers read. */
const maxBatch = 100

/** `find`: where the kubelet of a node listens. Rejects with StatusError when it cannot be asked. */
export function kubeletStats(find: (node: string) => Promise<Address>): KubeletStats {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 })
  const batches = new Map<string, Batch>()
  return {
    async summary(node) {
      const address = await find(node)
      const server = `${address.host}:${address.port}`
      let batch = batches.get(server)
      if (!batch || batch.nodes.size >= maxBatch) {
        const fresh: Batch = { address, nodes: new Map() }
        batches.set(server, (batch = fresh))
        setImmediate(() => {
          if (batches.get(server) === fresh) batches.delete(server)
          void askTogether(fresh, agent)
        })
      }
      const answer = batch.nodes.get(node) ?? deferred<Summary>()
      batch.nodes.set(node, answer)
      return answer.promise
    },
    close: () => agent.destroy(),
  }
}

/** Settles every node of the batch; never rejects. */
async function askTogether({ address, nodes }: Batch, agent: https.Agent): Promise<void> {
  try {
    // k8s: a kubelet of upstream stands for one node, and does not read the query
    const query = new URLSearchParams([...nodes.keys()].map((node): [string, string] => ['node', node]))
    const { code, body } = await get({ ...address, path: `/stats/summary?${query.toString()}`, agent, timeout: timeoutMs })
    const names = [...nodes.keys()].slice(0, 3).join(', ')
    if (code !== 200) throw internal(`the kubelet of ${names} answered ${code}: ${body.slice(0, 200)}`)
    const answer = JSON.parse(body) as Summary | { nodes: (Summary | null)[] }
    const summaries = 'nodes' in answer ? answer.nodes : [answer]
    for (const [i, { resolve, reject }] of [...nodes.values()].entries()) {
      const summary = summaries[i]
      if (summary) resolve(summary)
      else reject(internal('the kubelet has no summary of the node'))
    }
  } catch (error) {
    for (const { reject } of nodes.values()) reject(error)
  }
}

function get(target: https.RequestOptions): Promise<{ code: number; body: string }> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(internal(`error dialing backend: ${error.message}`))
    const request = https.get(target, (response) => {
      text(response).then((body) => resolve({ code: response.statusCode ?? 0, body }), failed)
    })
    request.on('timeout', () => request.destroy(new Error('the kubelet does not answer')))
    request.on('error', failed)
  })
}
