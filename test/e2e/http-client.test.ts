import { clientContract } from '../../src/client/client.contract.ts'
import { httpClient } from '../../src/client/http.ts'
import { startTestServer } from './http-server.ts'

clientContract('over HTTP', async (store) => {
  const server = await startTestServer({ store, plugins: [] })
  const { ca, admin } = server.certificates
  const client = httpClient({ url: server.http.url, tls: { ca, ...admin } })
  return {
    client,
    async close() {
      await client.close()
      await server.close()
    },
  }
})
