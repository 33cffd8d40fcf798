import { clientContract } from '../client/client.contract.ts'
import { systemClock } from '../lib/clock.ts'
import { openApiServer } from './open-server.ts'

clientContract('in process', async (store) => {
  const server = await openApiServer({ store, plugins: [], clock: systemClock })
  return { client: server.client('tester'), close: () => server.close() }
})
