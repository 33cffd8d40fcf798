import { clientContract } from '../client/client.contract.ts'
import { systemClock } from '../lib/clock.ts'
import { memoryStore } from '../store/memory.ts'
import { openApiServer } from './open-server.ts'

clientContract('in process', async () => {
  const server = await openApiServer({ store: memoryStore(), plugins: [], clock: systemClock })
  return { client: server.client('tester'), close: () => server.close() }
})
