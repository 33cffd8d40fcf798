// port-forward into gVisor. Its sandbox has a network stack of its own behind the Pod's address: in the network namespace, where
// containerd looks, nobody listens on loopback, so runsc itself is asked to connect.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { runscType } from '../../containerd/handler-table.ts'
import type { Clock } from '../../lib/clock.ts'
import { command } from '../containerd/command.ts'
import { type Runtime, RuntimeError } from '../cri/runtime.ts'
import { flagOf, processFacts } from '../trace/process.ts'
import { startStreamingServer, type StreamingServer } from './streaming-server.ts'

/** The same runtime, whose port-forward reaches sandboxes of gVisor as well; its server starts with the first of them. */
export function withRunscPorts(runtime: Runtime, clock: Clock): Runtime {
  let server: Promise<StreamingServer> | undefined
  const start = () =>
    (server ??= startStreamingServer(
      {
        exec: unused,
        attach: unused,
        portForward: async (sandboxId, port, connection) => {
          const { evidence } = await runtime.sandboxStatus(sandboxId)
          await connect(await runscOf(evidence.pid ?? 0, clock), { sandboxId, port, connection })
        },
      },
      clock,
    ))
  return {
    ...runtime,
    async portForward(sandboxId, ports) {
      const { evidence } = await runtime.sandboxStatus(sandboxId)
      const asked = evidence.runtimeType === runscType ? await start() : runtime
      return asked.portForward(sandboxId, ports)
    },
    async close() {
      await (await server)?.close()
      await runtime.close()
    },
  }
}

const unused = (): Promise<never> => Promise.reject(new RuntimeError('Unimplemented', 'only ports are forwarded here'))

interface Runsc {
  binary: string
  /** Where it keeps the state of this sandbox. */
  root: string
}

/** The sandbox's own process is one of runsc and was told where the state lies, whatever its containerd's configuration says now. */
async function runscOf(pid: number, clock: Clock): Promise<Runsc> {
  const { argv = [], exe } = (await processFacts(pid, clock.now())) ?? {}
  const root = flagOf(argv, 'root')
  if (exe === undefined || root === undefined) throw new RuntimeError('Unknown', `process ${pid} is no sandbox of gVisor`)
  return { binary: exe, root }
}

interface Forward {
  sandboxId: string
  port: number
  connection: Duplex
}

/** runsc connects our socket to the port and leaves; rejects in its words. Resolves when the connection is over. */
async function connect({ binary, root }: Runsc, { sandboxId, port, connection }: Forward): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'polypod-port-'))
  const server = createServer({ allowHalfOpen: true })
  try {
    const path = join(dir, 'stream')
    server.listen(path)
    await once(server, 'listening')
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const { code, stderr, stdout } = await command(binary, [
      '--root',
      root,
      'port-forward',
      '--stream',
      path,
      sandboxId,
      String(port),
    ])
    if (code !== 0) throw new Error(lastLine(stderr || stdout))
    const [socket] = await accepted
    await Promise.all([pipeline(connection, socket), pipeline(socket, connection)])
  } finally {
    server.close()
    await rm(dir, { recursive: true, force: true })
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? ''
