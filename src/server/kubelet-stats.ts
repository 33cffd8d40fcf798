// Asks kubelets for /stats/summary, over connections that are kept.
import https from 'node:https'
import { text } from 'node:stream/consumers'
import { internal } from '../api/status.ts'
import type { KubeletTarget } from './stream-proxy.ts'
import type { Summary } from './usage-rates.ts'

export interface KubeletStats {
  summary(node: string): Promise<Summary>
  close(): void
}

const timeoutMs = 10_000

/** `find`: where the kubelet of a node listens. Rejects with StatusError when it cannot be asked. */
export function kubeletStats(find: (node: string) => Promise<Omit<KubeletTarget, 'path'>>): KubeletStats {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 8 })
  return {
    async summary(node) {
      // k8s: a kubelet of upstream stands for one node, and does not read the query
      const path = `/stats/summary?node=${encodeURIComponent(node)}`
      const { code, body } = await get({ ...(await find(node)), path, agent, timeout: timeoutMs })
      if (code !== 200) throw internal(`the kubelet of node ${node} answered ${code}: ${body.slice(0, 200)}`)
      return JSON.parse(body) as Summary
    },
    close: () => agent.destroy(),
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
