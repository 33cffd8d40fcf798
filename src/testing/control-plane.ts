// A real API server in process with admission, on a clock that stands still, and the controllers a test wants.
import { onTestFinished } from 'vitest'
import { defaultPlugins } from '../admission/default-plugins.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import type { AnyKind, ObjectOf } from '../api/kind.ts'
import type { Client } from '../client/client.ts'
import { bootstrap } from '../controllers/bootstrap.ts'
import { mirrorsOf } from '../client/mirrors.ts'
import type { Controller } from '../controllers/controller.ts'
import { runController } from '../controllers/run.ts'
import { openScope } from '../lib/scope.ts'
import { openApiServer } from '../server/open-server.ts'
import { memoryStore } from '../store/memory.ts'
import { type ManualClock, manualClock } from './manual-clock.ts'

export interface TestControlPlane {
  client: Client
  clock: ManualClock
  /** What controllers logged. */
  logged: string[]
}

export const testPort = 6443

/** Bootstrapped, with the default account of namespace default; closed when the test ends. */
export async function openControlPlane(...controllers: readonly Controller[]): Promise<TestControlPlane> {
  const clock = manualClock()
  const scope = openScope()
  onTestFinished(() => scope.close())
  const server = scope.own(await openApiServer({ store: memoryStore(), plugins: defaultPlugins, clock }))
  const client = server.client('tester')
  await bootstrap(client, { port: testPort })
  await client.create(ServiceAccount, objectOf(ServiceAccount, { metadata: { name: 'default', namespace: 'default' } }))
  const logged: string[] = []
  const log = (line: string) => void logged.push(line)
  const mirrors = mirrorsOf({ client, clock, signal: scope.signal, log })
  for (const controller of controllers)
    scope.run(controller.name, (signal) => runController(controller, { client, clock, mirrors, log }, signal))
  return { client, clock, logged }
}

/** An object as a client would send it. */
export const objectOf = <K extends AnyKind>(kind: K, fields: Record<string, unknown>): ObjectOf<K> =>
  kind.decode(fields, { unknown: [] }) as ObjectOf<K>
