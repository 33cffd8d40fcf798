// Steps 3 to 5 of a Pod's trace: what its node says of kubelet, containerd and shim. Pure.
import { versionFlag } from '../node/handler/facts.ts'
import type { NodeTrace, TracedContainer } from '../node/trace/node-trace.ts'
import type { PodNote } from '../node/trace/pod-notes.ts'
import type { TraceFacts, TraceStep } from './trace-steps.ts'

type Step<N extends TraceStep['name']> = { step: number; name: N }

export const instant = (ms: number): string => new Date(ms).toISOString()

/** What is said of a step that the node tells nothing of. */
function untold({ pod, node }: TraceFacts, base: Step<TraceStep['name']>): TraceStep {
  const empty = { ...base, facts: {}, proof: [] }
  if (!pod.spec.nodeName) return { ...empty, state: 'pending', summary: 'no node has the Pod yet' }
  if (node?.simulated) return { ...empty, state: 'unknown', summary: 'simulated: nothing real runs this Pod' }
  if (pod.status.phase === 'Pending') return { ...empty, state: 'pending', summary: 'not yet' }
  return { ...empty, state: 'unknown', summary: node ? 'the node has nothing of the Pod any more' : 'its node cannot be asked' }
}

export function kubeletStep(facts: TraceFacts): TraceStep {
  const { pod, node } = facts
  const base = { step: 3, name: 'kubelet' } as const
  if (!node) return untold(facts, base)
  const calls = node.notes.filter(({ what }) => what === 'RunPodSandbox')
  const done = node.sandbox && calls.findLast(({ id }) => id === node.sandbox?.id)
  const failures = calls.filter(({ error }) => error !== undefined)
  const className = pod.spec.runtimeClassName
  const handler = node.sandbox?.handler ?? node.resolved
  const resolved =
    className === undefined ? 'no class: handler ""' : `class ${className} resolved to handler ${JSON.stringify(handler)}`
  const about = { class: className, handler, sandbox: node.sandbox?.id, attempts: calls.length, failures: failures.length }
  const proof = [
    ...(node.sandbox
      ? [`CRI PodSandboxStatus ${node.sandbox.id.slice(0, 13)}: runtimeHandler ${JSON.stringify(node.sandbox.handler)}`]
      : []),
    ...(calls.length > 0 ? [`kubelet: ${node.notesFile}`] : []),
  ]
  const last = failures.at(-1)
  if (!node.sandbox) {
    if (!last) return untold(facts, base)
    const summary = `${resolved}; RunPodSandbox failed (${failures.length}x): ${last.error}`
    return { ...base, state: 'failed', at: instant(last.atMs), durationMs: last.tookMs, summary, facts: about, proof }
  }
  const failed = failures.length > 0 ? ` after ${failures.length === 1 ? 'a failure' : `${failures.length} failures`}` : ''
  const summary = `${resolved}; RunPodSandbox(runtime_handler: ${JSON.stringify(node.sandbox.handler)})${failed} made sandbox ${node.sandbox.id.slice(0, 13)}`
  return {
    ...base,
    state: 'done',
    at: instant(done?.atMs ?? node.sandbox.createdAtMs),
    durationMs: done?.tookMs,
    summary,
    facts: about,
    proof,
  }
}

export function containerdStep(facts: TraceFacts): TraceStep {
  const { node } = facts
  const base = { step: 4, name: 'containerd' } as const
  if (!node || node.simulated) return untold(facts, base)
  if (!node.sandbox) return lookup(node, base) ?? untold(facts, base)
  const { sandbox, config, shim, runtime } = node
  const served = `${runtime.name} ${runtime.version}`
  const remembered = `CRI PodSandboxStatus, verbose: runtimeType ${sandbox.runtimeType ?? 'not told'}`
  if (!config) {
    const summary = `${served} took handler ${JSON.stringify(sandbox.handler)} for ${sandbox.runtimeType ?? 'an untold type'}`
    return { ...base, state: 'done', at: instant(sandbox.createdAtMs), summary, facts: { runtime }, proof: [remembered] }
  }
  const call = callOf(node)
  const table = config.line === undefined ? 'no table names it (built in)' : `${config.file}:${config.line} ${config.table}`
  const byDefault = config.byDefault === undefined ? '' : ` (the default, by line ${config.byDefault.line})`
  const agrees = config.runtimeType === undefined || config.runtimeType === sandbox.runtimeType
  const doubt = agrees ? '' : `; but the sandbox runs ${sandbox.runtimeType}: the file has changed since`
  return {
    ...base,
    state: 'done',
    at: instant(call?.atMs ?? sandbox.createdAtMs),
    // from the call to the shim's start: names, network, snapshot
    durationMs: call && shim ? Math.max(0, shim.startedAtMs - call.atMs) : undefined,
    summary: `${served}: handler ${config.handler}${byDefault} is ${table}, runtime_type ${config.runtimeType ?? sandbox.runtimeType}${doubt}`,
    facts: { runtime, ...config, agrees },
    proof: [
      `${config.containerd.path} pid ${config.containerd.pid} listens at ${shim?.containerdSocket ?? 'its socket'}`,
      `${config.file}${config.line === undefined ? '' : `, line ${config.line}`}${config.changedSince ? ' (written since containerd started)' : ''}`,
      remembered,
    ],
  }
}

/** Of a handler no sandbox came of; undefined when none was tried, or no file is known. */
function lookup({ config, runtime, notes }: NodeTrace, base: Step<'containerd'>): TraceStep | undefined {
  if (!config || config.unread !== undefined || lastFailure(notes) === undefined) return undefined
  const known = config.runtimeType !== undefined
  const where = config.line === undefined ? config.file : `${config.file}:${config.line}`
  const summary = known
    ? `handler ${config.handler} is ${where} ${config.table ?? '(built in)'}, runtime_type ${config.runtimeType}`
    : `no table of ${where} names handler ${JSON.stringify(config.handler)}: every call for it is refused`
  return {
    ...{ ...base, state: known ? 'done' : 'failed', summary: `${runtime.name} ${runtime.version}: ${summary}` },
    facts: { runtime, ...config },
    proof: [`${config.containerd.path} pid ${config.containerd.pid}`, where],
  }
}

const lastFailure = (notes: readonly PodNote[]): PodNote | undefined =>
  notes.findLast(({ what, error }) => what === 'RunPodSandbox' && error !== undefined)

const callOf = (node: NodeTrace): PodNote | undefined =>
  node.notes.findLast(({ what, id }) => what === 'RunPodSandbox' && id === node.sandbox?.id)

export function shimStep(facts: TraceFacts): TraceStep {
  const { node } = facts
  const base = { step: 5, name: 'shim' } as const
  const failure = node && !node.sandbox && node.config?.runtimeType !== undefined ? lastFailure(node.notes) : undefined
  if (failure) {
    const { atMs, tookMs, error } = failure
    return { ...base, state: 'failed', at: instant(atMs), durationMs: tookMs, summary: error ?? '', facts: {}, proof: [] }
  }
  if (!node?.sandbox || !node.shim) return untold(facts, base)
  const { shim, sandbox, ociRuntime, kernel } = node
  const containers = node.containers.map((container) => ({ ...container, ...timesOf(node, container) }))
  const speaks = `shim API ${shim.api ?? 'unknown'}${shim.taskVersion === 3 ? ' (task service v3)' : ''} over ${shim.protocol ?? 'an unknown protocol'}`
  const runtime = ociRuntime ? `; ${ociRuntime.name} ${ociRuntime.version ?? '(version not told)'}` : ''
  const pids = containers.map(({ name, process, shim: own }) =>
    process ? `${name} pid ${process.pid}${own ? ` (shim pid ${own.pid})` : ''}` : `${name} not running`,
  )
  const seen = kernel ? `; kernel ${kernel.release}${kernel.isNodes ? " (the node's)" : ', its own'}` : ''
  return {
    ...base,
    state: containers.some(({ process }) => process) ? 'done' : 'pending',
    at: instant(shim.startedAtMs),
    // until the first process of the sandbox: what shim and OCI runtime needed
    durationMs: sandbox.process && Math.max(0, sandbox.process.startedAtMs - shim.startedAtMs),
    summary: `${shim.path}${shim.version ? ` ${shim.version}` : ''} pid ${shim.pid}, ${speaks}${runtime}; sandbox pid ${sandbox.process?.pid ?? 'unknown'}; ${pids.join(', ')}${seen}`,
    facts: { shim, ociRuntime, sandbox, containers, kernel },
    proof: shimProof(node),
  }
}

function shimProof({ shim, ociRuntime, sandbox, kernel }: NodeTrace): string[] {
  if (!shim || !sandbox) return []
  const answered = shim.answers.find(({ shimPid }) => shimPid !== undefined)
  const refused = shim.answers.filter(({ unknown }) => unknown).map(({ service }) => service)
  const pid = sandbox.process?.pid
  const parent = pid === shim.pid ? `/proc/${pid}/exe` : `/proc/${pid}/stat: the sandbox's process has shim ${shim.pid} above it`
  return [
    parent,
    ...(shim.bundle ? [`/proc/${shim.pid}/cwd -> ${shim.bundle}`] : []),
    ...(answered
      ? [
          `the shim answers ${answered.service}/${answered.method}: shim pid ${answered.shimPid}${answered.taskPid ? `, task pid ${answered.taskPid}` : ''}`,
        ]
      : []),
    ...(refused.length > 0 ? [`the shim does not know ${refused.join(' and ')}`] : []),
    ...(sandbox.process?.exe && sandbox.process.exe !== '/pause' ? [`/proc/${pid}/exe -> ${sandbox.process.exe}`] : []),
    ...(ociRuntime?.state ? [`${ociRuntime.name}'s own state names pid ${ociRuntime.state.pid}: ${ociRuntime.state.file}`] : []),
    ...(shim.version ? [`${shim.path} ${versionFlag(shim.path)}`] : []),
    ...(ociRuntime?.path
      ? [`${ociRuntime.path}${ociRuntime.isScript ? ' (a script that stands before it)' : ''} --version`]
      : []),
    ...(kernel ? [kernel.how] : []),
  ]
}

/** What CRI's calls for it took, as the kubelet noted them. */
function timesOf(
  { notes }: NodeTrace,
  { id, name }: TracedContainer,
): { createMs?: number | undefined; startMs?: number | undefined } {
  const at = notes.findIndex((note) => note.what === 'CreateContainer' && note.id === id)
  if (at < 0) return {}
  const started = notes.slice(at).find((note) => note.what === 'StartContainer' && note.container === name)
  return { createMs: notes[at]?.tookMs, startMs: started?.tookMs }
}
