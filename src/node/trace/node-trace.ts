// A node's part of a Pod's trace: what really runs it, each fact with where it was read. Nothing is remembered that can be read.
import type { RuntimeClass } from '../../api/node/runtime-class.ts'
import type { Pod } from '../../api/core/pod.ts'
import type { Mirror } from '../../client/mirror.ts'
import { parseVersion } from '../../containerd/version.ts'
import type { Clock } from '../../lib/clock.ts'
import type { ShimAnswer } from '../containerd/shim-api.ts'
import type { ContainerStatus, Runtime, Sandbox } from '../cri/runtime.ts'
import { handlerOf } from '../handlers.ts'
import { uidOf } from '../pod-labels.ts'
import type { Seen } from '../seen.ts'
import { type ConfigTable, configTable } from './config-table.ts'
import { kernelSeen, type SeenKernel } from './kernel.ts'
import { type OciRuntime, ociRuntimeOf, shimVersion } from './oci-runtime.ts'
import { notesFileOf, type PodNote, podNotes } from './pod-notes.ts'
import { type ProcessFacts, processFacts } from './process.ts'
import { type Shim, shimAnswers, shimOf } from './shim.ts'

export interface TracedProcess {
  pid: number
  /** Milliseconds since the epoch, to about 10 ms. */
  startedAtMs: number
  argv: string[]
  /** The executable: `/pause` is one of an image, anything else is the runtime's own. */
  exe?: string | undefined
}

export interface TracedContainer {
  name: string
  id: string
  state: ContainerStatus['state']
  createdAtMs: number
  /** 0 when it has not started. */
  startedAtMs: number
  process?: TracedProcess | undefined
  /** Its shim, where it has one of its own: those of API v1 serve one container each. */
  shim?: { pid: number; path: string } | undefined
}

/** Every time is in milliseconds since the epoch. What could not be read is absent, and `missing` says why. */
export interface NodeTrace {
  node: string
  uid: string
  observedAtMs: number
  /** Nothing of the Pod is real. */
  simulated: boolean
  /** The runtime that serves CRI: `containerd` `1.6.20~ds1`. */
  runtime: { name: string; version: string }
  /** What the Pod's class resolves to on this node now; "" is the runtime's default. */
  resolved?: string | undefined
  sandbox?:
    | {
        id: string
        attempt: number
        state: Sandbox['state']
        /** As RunPodSandbox was asked, as the runtime remembers it. */
        handler: string
        createdAtMs: number
        ip: string
        runtimeType?: string | undefined
        process?: TracedProcess | undefined
      }
    | undefined
  config?: ConfigTable | undefined
  /** `version`: where the shim is the runtime. */
  shim?: (Shim & { answers: ShimAnswer[]; version?: string | undefined }) | undefined
  ociRuntime?: OciRuntime | undefined
  containers: TracedContainer[]
  kernel?: SeenKernel | undefined
  /** What the kubelet noted as it happened, and where. */
  notes: PodNote[]
  notesFile: string
  missing: string[]
}

export interface TraceWorld {
  runtime: Runtime
  clock: Clock
  classes: Pick<Mirror<RuntimeClass>, 'get'>
  facts: { name: string; dataDir: string; simulated: boolean }
}

export interface TraceOptions {
  /** Do not run a program in a container to learn its kernel. */
  noExec?: boolean | undefined
}

/** Rejects with RuntimeError only when the runtime cannot be asked at all. */
export async function nodeTrace(
  world: TraceWorld,
  { pod, seen }: { pod: Pod; seen: Seen },
  options: TraceOptions = {},
): Promise<NodeTrace> {
  const { runtime, clock, facts } = world
  const [sandbox] = seen.sandboxes
  const missing: string[] = []
  const trace: NodeTrace = {
    ...{
      node: facts.name,
      uid: uidOf(pod),
      observedAtMs: clock.now(),
      simulated: facts.simulated,
      runtime: await runtime.version(),
    },
    ...{ resolved: resolvedHandler(world, pod, missing), containers: [], missing },
    notes: await podNotes(facts.dataDir, uidOf(pod)),
    notesFile: notesFileOf(facts.dataDir, uidOf(pod)),
  }
  if (!sandbox) missing.push('the runtime has no sandbox of this Pod')
  else await ofSandbox(world, sandbox, trace)
  const asked = sandbox?.runtimeHandler ?? trace.resolved
  if (!facts.simulated && asked !== undefined) await ofConfig(world, asked, trace)
  trace.containers = await Promise.all(seen.containers.map((container) => tracedContainer(world, container, trace.shim)))
  const running = trace.containers.find((c) => c.state === 'running')
  if (options.noExec || facts.simulated || !running) return trace
  const kernel = await kernelSeen(runtime, running)
  if ('why' in kernel) missing.push(kernel.why)
  else trace.kernel = kernel
  return trace
}

function resolvedHandler({ classes }: TraceWorld, pod: Pod, missing: string[]): string | undefined {
  try {
    return handlerOf(pod, classes)
  } catch (error) {
    missing.push((error as Error).message)
    return undefined
  }
}

async function ofSandbox(
  world: TraceWorld,
  { id, createdAt, runtimeHandler, state, metadata }: Sandbox,
  trace: NodeTrace,
): Promise<void> {
  const { runtime, clock, facts } = world
  const nowMs = clock.now()
  const status = await runtime.sandboxStatus(id)
  const { pid, runtimeType } = status.evidence
  const found = {
    id,
    attempt: metadata.attempt,
    state,
    handler: runtimeHandler,
    createdAtMs: createdAt,
    ip: status.ip,
    runtimeType,
  }
  trace.sandbox = found
  if (facts.simulated) return
  if (pid === undefined) return void trace.missing.push('the runtime does not tell the pid of the sandbox')
  trace.sandbox = { ...found, process: traced(await processFacts(pid, nowMs)) }
  const shim = await shimOf(pid, nowMs, id)
  if (!shim) return void trace.missing.push(`process ${pid} is served by no containerd shim that this kubelet can see`)
  const [answers, ociRuntime] = await Promise.all([
    shimAnswers(shim, id, clock),
    ociRuntimeOf({ ...status.evidence, exe: trace.sandbox.process?.exe }, shim, id),
  ])
  const version = ociRuntime ? undefined : await shimVersion(shim)
  Object.assign(trace, { shim: { ...shim, answers, version }, ociRuntime })
}

/** What containerd's files say of the handler, also when no sandbox came of it. */
async function ofConfig({ runtime, clock }: TraceWorld, asked: string, trace: NodeTrace): Promise<void> {
  const socket = runtime.socket ?? trace.shim?.containerdSocket
  if (socket === undefined || !/containerd/.test(trace.runtime.name)) return
  trace.config = await configTable(socket, asked, clock.now(), parseVersion(trace.runtime.version))
  if (trace.config?.unread !== undefined) trace.missing.push(trace.config.unread)
  if (!trace.config) trace.missing.push('the process of containerd, and so its configuration file, was not found')
}

const traced = (found: ProcessFacts | undefined): TracedProcess | undefined =>
  found && { pid: found.pid, startedAtMs: found.startedAtMs, argv: found.argv, exe: found.exe }

async function tracedContainer(
  { runtime, clock }: TraceWorld,
  container: ContainerStatus,
  podShim: Shim | undefined,
): Promise<TracedContainer> {
  const { id, state, metadata, createdAt, startedAt } = container
  const { pid } = state === 'running' ? await runtime.containerStatus(id, { verbose: true }).catch(() => container) : container
  const shim = pid === undefined ? undefined : await shimOf(pid, clock.now())
  return {
    ...{ name: metadata.name, id, state, createdAtMs: createdAt, startedAtMs: startedAt },
    ...(pid === undefined ? {} : { process: traced(await processFacts(pid, clock.now())) }),
    ...(shim && shim.pid !== podShim?.pid ? { shim: { pid: shim.pid, path: shim.path } } : {}),
  }
}
