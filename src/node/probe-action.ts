// One probe, done once: exec, HTTP, TCP or gRPC against a container.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Probe } from '../api/core/probe.ts'
import { type Runtime, RuntimeError } from './cri/runtime.ts'
import { httpGet, portOf, tcpConnect } from './network-action.ts'

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

/** `unknown`: could not be tried; nothing follows from it. `message` is what an Unhealthy event quotes. */
export interface ProbeOutcome {
  result: 'success' | 'failure' | 'unknown'
  message: string
}

/** Does one probe; resolves within its timeoutSeconds, never rejects. */
export type ProbeOnce = (target: ProbeTarget, probe: Probe) => Promise<ProbeOutcome>

/** Probes as a kubelet does them: exec through the runtime, the rest directly to the Pod's address. */
export function probeOnce(runtime: Pick<Runtime, 'execSync'>): ProbeOnce {
  return async (target, probe) => {
    const timeoutMs = Math.max(1, probe.timeoutSeconds ?? 1) * 1000
    try {
      if (probe.exec) return await execProbe(runtime, target, { command: probe.exec.command ?? [], timeoutMs })
      if (probe.httpGet) return await httpProbe(target, probe.httpGet, timeoutMs)
      if (probe.tcpSocket) return await tcpProbe(target, probe.tcpSocket, timeoutMs)
      if (probe.grpc) return await grpcProbe(target, probe.grpc, timeoutMs)
      return { result: 'unknown', message: 'missing probe handler' }
    } catch (error) {
      return { result: 'unknown', message: (error as Error).message }
    }
  }
}

const success = (message: string): ProbeOutcome => ({ result: 'success', message })
const failure = (message: string): ProbeOutcome => ({ result: 'failure', message })

const maxExecBytes = 10 * 1024

async function execProbe(
  runtime: Pick<Runtime, 'execSync'>,
  { containerId }: ProbeTarget,
  { command, timeoutMs }: { command: string[]; timeoutMs: number },
): Promise<ProbeOutcome> {
  try {
    const { stdout, stderr, exitCode } = await runtime.execSync(containerId, command, timeoutMs / 1000)
    const output = Buffer.concat([stdout, stderr]).subarray(0, maxExecBytes).toString('utf8')
    return exitCode === 0 ? success(output) : failure(output)
  } catch (error) {
    // k8s: only a command that took too long has failed; a runtime that cannot run it says nothing about the container
    if (error instanceof RuntimeError && error.code === 'DeadlineExceeded')
      return failure(`command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s`)
    throw error
  }
}

async function httpProbe(target: ProbeTarget, action: NonNullable<Probe['httpGet']>, timeoutMs: number): Promise<ProbeOutcome> {
  const answer = await httpGet(target, action, { timeoutMs, agent: 'kube-probe/1.32' })
  if ('error' in answer) return failure(answer.error)
  const { statusCode, body } = answer
  return statusCode >= 200 && statusCode < 400 ? success(body) : failure(`HTTP probe failed with statuscode: ${statusCode}`)
}

async function tcpProbe(target: ProbeTarget, action: NonNullable<Probe['tcpSocket']>, timeoutMs: number): Promise<ProbeOutcome> {
  const error = await tcpConnect(action.host || target.podIP, portOf(target.container, action.port), timeoutMs)
  return error === undefined ? success('') : failure(error)
}

async function grpcProbe(target: ProbeTarget, action: NonNullable<Probe['grpc']>, timeoutMs: number): Promise<ProbeOutcome> {
  // loaded when the first container asks for it: most nodes never do
  const { checkHealth } = await import('./cri/grpc-health.ts')
  const host = target.podIP.includes(':') ? `[${target.podIP}]` : target.podIP
  return checkHealth(`${host}:${action.port}`, action.service ?? '', timeoutMs)
}
