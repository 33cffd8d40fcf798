// Which API a containerd shim speaks: asked of the shim itself, over its own socket.
import type { Clock } from '../../lib/clock.ts'
import { askTtrpc, messageFields, textMessage, TtrpcError, unimplemented } from './ttrpc.ts'

export interface ShimAnswer {
  /** `containerd.task.v2.Task` */
  service: string
  method: string
  /** What it answered; absent when it refused. */
  shimPid?: number | undefined
  taskPid?: number | undefined
  /** Its refusal, or why there was no answer. */
  error?: string | undefined
  /** It does not know the service. */
  unknown: boolean
}

// each service has a call that changes nothing and tells pids
const questions = [
  { service: 'containerd.runtime.linux.shim.v1.Shim', method: 'ShimInfo', ask: () => new Uint8Array() },
  { service: 'containerd.task.v2.Task', method: 'Connect', ask: (id: string) => textMessage(1, id) },
  { service: 'containerd.task.v3.Task', method: 'Connect', ask: (id: string) => textMessage(1, id) },
] as const

/** Asks for every API there is; `id` is a container the shim serves. Never rejects. */
export async function askShim(socket: string, id: string, clock: Clock): Promise<ShimAnswer[]> {
  const answers: ShimAnswer[] = []
  for (const { service, method, ask } of questions) {
    const answer = await askTtrpc({ socket, service, method, payload: ask(id) }, clock).then(messageFields, asTtrpcError)
    if (answer instanceof TtrpcError)
      answers.push({ service, method, error: answer.message, unknown: answer.code === unimplemented })
    else answers.push({ service, method, shimPid: numberOf(answer.get(1)), taskPid: numberOf(answer.get(2)), unknown: false })
  }
  return answers
}

const asTtrpcError = (error: unknown): TtrpcError =>
  error instanceof TtrpcError ? error : new TtrpcError(2, error instanceof Error ? error.message : String(error))

const numberOf = (value: number | Uint8Array | undefined): number | undefined =>
  typeof value === 'number' && value > 0 ? value : undefined
