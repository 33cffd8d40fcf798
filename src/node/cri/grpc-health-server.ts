// A real gRPC server that tells its health, or does not: the other side of grpc-health.ts, for tests.
import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from '@grpc/grpc-js'

const numbers = { SERVING: 1, NOT_SERVING: 2 }

/** `services`: name to health; undefined: a server without the health service. Listens on a free loopback port. */
export async function healthServer(
  services: Record<string, keyof typeof numbers> | undefined,
): Promise<{ port: number; close: () => void }> {
  const server = new Server()
  const method = {
    path: '/grpc.health.v1.Health/Check',
    requestStream: false,
    responseStream: false,
    requestSerialize: (b: Buffer) => b,
    requestDeserialize: (b: Buffer) => b,
    responseSerialize: (b: Buffer) => b,
    responseDeserialize: (b: Buffer) => b,
  }
  if (services)
    server.addService(
      { check: method },
      {
        check(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
          // one field, `service`: tag, length, text
          const name = call.request.subarray(2).toString('utf8')
          const health = services[name]
          if (health) done(null, Buffer.from([0x08, numbers[health]]))
          else done({ code: status.NOT_FOUND, details: `unknown service ${name}` })
        },
      },
    )
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { port, close: () => server.forceShutdown() }
}
