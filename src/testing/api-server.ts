// An API server for one test, closed after it, with short ways to write what most tests write.
import { afterEach } from 'vitest'
import type { ConfigMap } from '../api/core/config-map.ts'
import { Pod } from '../api/core/pod.ts'
import { systemClock } from '../lib/clock.ts'
import type { ApiServer, WriteContext } from '../server/api-server.ts'
import { type ApiServerOptions, openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'

/** Default: an empty store in memory, no plugins, the machine's clock. Call it inside a test. */
export async function testServer(options: Partial<ApiServerOptions> = {}): Promise<ApiServer> {
  const server = await openApiServer({ store: memoryStore(), plugins: [], clock: systemClock, ...options })
  opened.push(server)
  return server
}

const opened: ApiServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

export const byTester: WriteContext = { user: { name: 'tester', groups: ['system:masters'] } }

export const configMap = (name: string, more: Partial<ConfigMap> = {}): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  ...more,
  metadata: { name, namespace: 'default', ...more.metadata },
})

/** A valid Pod of one container; `spec` and `metadata` are merged in. */
export function podOf(name: string, more: { metadata?: object; spec?: object } = {}): Pod {
  const spec = { containers: [{ name: 'main', image: 'pause' }], ...more.spec }
  const metadata = { name, namespace: 'default', ...more.metadata }
  return Pod.decode({ apiVersion: 'v1', kind: 'Pod', metadata, spec }, { unknown: [] })
}
