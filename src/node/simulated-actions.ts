// Probes and hooks of simulated containers: their addresses do not exist, so the simulation answers (annotation probe-status, see
// sim-wishes.ts).
import type { Runtime } from './cri/runtime.ts'
import { containerWishes } from './cri/sim-wishes.ts'
import type { HookWorld } from './hooks.ts'
import { probeOnce, type ProbeOnce } from './probe-action.ts'

/** Exec probes go through the runtime as they always do; HTTP, TCP and gRPC ones succeed unless the Pod's annotations say otherwise. */
export function simulatedProbe(runtime: Pick<Runtime, 'execSync'>): ProbeOnce {
  const exec = probeOnce(runtime)
  return async (target, probe) => {
    if (probe.exec) return exec(target, probe)
    const { probeStatus } = containerWishes(target.pod.metadata.annotations ?? {}, target.container.name)
    if (probeStatus >= 200 && probeStatus < 400) return { result: 'success', message: '' }
    const message = probe.httpGet ? `HTTP probe failed with statuscode: ${probeStatus}` : 'simulated: connection refused'
    return { result: 'failure', message }
  }
}

/** For HookWorld: hooks that ask over HTTP are answered by nobody, and well. */
export const simulatedHttpGet: NonNullable<HookWorld['httpGet']> = async () => ({ statusCode: 200, body: '' })
