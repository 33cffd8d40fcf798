// exec, attach and port-forward of simulated containers: the few commands of sim-shell.ts, typed by hand or given at once.
import { createInterface } from 'node:readline'
import type { Clock } from '../../lib/clock.ts'
import { type Runtime, RuntimeError } from '../cri/runtime.ts'
import { simulatedRuntime } from '../cri/sim.ts'
import type { SimOptions } from '../cri/sim-state.ts'
import type { CommandRun } from './serve-command.ts'
import { startStreamingServer, type StreamingServer } from './streaming-server.ts'

/** A simulated runtime that can be streamed to; its server starts with the first stream. */
export function streamingSimulatedRuntime(options: Omit<SimOptions, 'streaming'>): Runtime {
  let server: Promise<StreamingServer> | undefined
  const start = () =>
    (server ??= startStreamingServer(
      {
        exec: (id, run) => exec(runtime, id, run),
        attach: (id, run) => attach(runtime, id, run, options.clock),
        portForward: async (_sandbox, port) => {
          throw new RuntimeError('Unknown', `a simulated container listens on no port: ${port}: connection refused`)
        },
      },
      options.clock,
    ))
  const streaming = {
    exec: async (request: Parameters<Runtime['exec']>[0]) => (await start()).exec(request),
    attach: async (request: Parameters<Runtime['attach']>[0]) => (await start()).attach(request),
    portForward: async (id: string, ports: number[]) => (await start()).portForward(id, ports),
  }
  const runtime: Runtime = simulatedRuntime({ ...options, streaming })
  return {
    ...runtime,
    async close() {
      await (await server)?.close()
      await runtime.close()
    },
  }
}

type Exec = CommandRun & { command: string[] }

async function exec(runtime: Runtime, id: string, run: Exec): Promise<number> {
  const isShell = run.command.length === 1 && /(^|\/)(ba|a)?sh$/.test(run.command[0] ?? '')
  if (isShell && run.stdin) return shell(runtime, id, run)
  return print(await runtime.execSync(id, run.command, 0), run)
}

/** Reads lines and runs each, until `exit` or the end of input. */
async function shell(runtime: Runtime, id: string, run: Exec): Promise<number> {
  if (!run.stdin) return 0
  // a terminal shows what is typed only when the other side sends it back
  const echo = run.tty ? run.stdout : undefined
  const lines = createInterface({ input: run.stdin, output: echo, terminal: run.tty, prompt: run.tty ? '/ # ' : '' })
  lines.prompt()
  let exitCode = 0
  for await (const line of lines) {
    const text = line.trim()
    if (text !== '') exitCode = await print(await runtime.execSync(id, ['sh', '-c', text], 0), run)
    if (/^exit\b/.test(text)) break
    lines.prompt()
  }
  return exitCode
}

async function print(done: Awaited<ReturnType<Runtime['execSync']>>, { stdout, stderr, tty }: CommandRun): Promise<number> {
  const shown = (text: Uint8Array) => (tty ? Buffer.from(Buffer.from(text).toString().replaceAll('\n', '\r\n')) : text)
  if (done.stdout.length > 0) stdout?.write(shown(done.stdout))
  if (done.stderr.length > 0) (stderr ?? stdout)?.write(shown(done.stderr))
  return done.exitCode
}

const attachLookMs = 100

/** Its output goes to its log alone, so there is only its end to wait for. */
async function attach(runtime: Runtime, id: string, { signal }: CommandRun, clock: Clock): Promise<number> {
  while (!signal.aborted) {
    const status = await runtime.containerStatus(id)
    if (status.state === 'exited') return status.exitCode
    await clock.sleep(attachLookMs, signal)
  }
  return 0
}
