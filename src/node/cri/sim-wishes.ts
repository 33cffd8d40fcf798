// What a Pod may ask of the simulated runtime, by annotations under simulated.polypod.dev/.
//
//   of the sandbox:   fail-sandbox (text of the refusal; fail-sandbox.<handler>: of that handler only), sandbox-delay-ms;
//                     sandbox-cpu-millicores, sandbox-memory-bytes (what it uses apart from its containers)
//   of containers:    exit-code, run-for-ms, start-delay-ms, stop-ms (how long it takes to obey SIGTERM), stop-exit-code,
//                     fail-start (text), log (a line it writes), exec-exit-code, exec-output, cpu-millicores, memory-bytes,
//                     probe-status (HTTP status that network probes and hooks get; 400 and above fail TCP and gRPC ones too)
//
// A key of containers may end in `.<container>` and then counts for that one only. exit-code alone ends the container
// at once; run-for-ms alone ends it with 0. Without either its command decides (sim-shell.ts), else it runs until stopped.

const prefix = 'simulated.polypod.dev/'

export interface SandboxWishes {
  failSandbox: string | undefined
  sandboxDelayMs: number
}

export interface ContainerWishes {
  exitCode: number | undefined
  runForMs: number | undefined
  startDelayMs: number
  stopMs: number
  /** k8s: 143 is 128 + SIGTERM, what a shell says of a process that obeyed. */
  stopExitCode: number
  failStart: string | undefined
  log: string | undefined
  execExitCode: number | undefined
  execOutput: string | undefined
  cpuMillicores: number
  memoryBytes: number
  probeStatus: number
}

type Annotations = Record<string, string>

const amount = (text: string | undefined): number | undefined => {
  const value = Number(text)
  return text === undefined || text === '' || !Number.isFinite(value) ? undefined : value
}

export const sandboxWishes = (annotations: Annotations, handler: string): SandboxWishes => ({
  failSandbox: annotations[`${prefix}fail-sandbox.${handler}`] ?? annotations[`${prefix}fail-sandbox`],
  sandboxDelayMs: amount(annotations[`${prefix}sandbox-delay-ms`]) ?? 0,
})

/** What the sandbox uses that no container does. */
export const sandboxUsageWishes = (annotations: Annotations): { cpuMillicores: number; memoryBytes: number } => ({
  cpuMillicores: amount(annotations[`${prefix}sandbox-cpu-millicores`]) ?? 0,
  memoryBytes: amount(annotations[`${prefix}sandbox-memory-bytes`]) ?? 0,
})

export function containerWishes(annotations: Annotations, container: string): ContainerWishes {
  const text = (key: string) => annotations[`${prefix}${key}.${container}`] ?? annotations[prefix + key]
  const number = (key: string) => amount(text(key))
  return {
    exitCode: number('exit-code'),
    runForMs: number('run-for-ms'),
    startDelayMs: number('start-delay-ms') ?? 0,
    stopMs: number('stop-ms') ?? 0,
    stopExitCode: number('stop-exit-code') ?? 143,
    failStart: text('fail-start'),
    log: text('log'),
    execExitCode: number('exec-exit-code'),
    execOutput: text('exec-output'),
    cpuMillicores: number('cpu-millicores') ?? 0,
    memoryBytes: number('memory-bytes') ?? 0,
    probeStatus: number('probe-status') ?? 200,
  }
}
