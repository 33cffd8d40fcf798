// One probe, done once: exec, HTTP, TCP or gRPC against a container.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Probe } from '../api/core/probe.ts'
import type { Runtime } from './cri/runtime.ts'

export type ProbeType = 'liveness' | 'readiness' | 'startup'

export interface ProbeTarget {
  pod: Pod
  container: Container
  containerId: string
  /** Of the Pod (of the host, with hostNetwork). */
  podIP: string
  /** Of this run of the container, in milliseconds. */
  startedAt: number
}

/** `unknown`: could not be tried (counts as failure). `message` is what an Unhealthy event quotes. */
export interface ProbeOutcome {
  result: 'success' | 'failure' | 'unknown'
  message: string
}

/** Does one probe; resolves within its timeoutSeconds, never rejects. */
export type ProbeOnce = (target: ProbeTarget, probe: Probe) => Promise<ProbeOutcome>

/** Probes as a kubelet does them: exec through the runtime, the rest directly to the Pod's address. */
export function probeOnce(runtime: Pick<Runtime, 'execSync'>): ProbeOnce {
  return async (target) => {
    throw new Error(`not written yet: ${target.containerId} ${Object.keys(runtime).join()}`)
  }
}
