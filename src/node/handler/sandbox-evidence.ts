// What really served a canary: the shim's process, and the line of containerd's configuration that chose it.
import type { SandboxStatus } from '../cri/runtime.ts'
import { configTable } from '../trace/config-table.ts'
import { shimOf } from '../trace/shim.ts'

export interface Evidence {
  shim?: { path: string; apiVersion?: string | undefined } | undefined
  configuration?: { file: string; line?: number | undefined } | undefined
}

/** Empty where processes may not be seen, or no containerd serves. Never rejects. */
export async function evidenceOfSandbox({ pid }: SandboxStatus['evidence'], handler: string, nowMs: number): Promise<Evidence> {
  try {
    const shim = pid === undefined ? undefined : await shimOf(pid, nowMs)
    if (!shim) return {}
    const table = shim.containerdSocket === undefined ? undefined : await configTable(shim.containerdSocket, handler, nowMs)
    return {
      shim: { path: shim.path, apiVersion: shim.taskVersion === 3 ? 'v3' : shim.api },
      configuration: table && { file: table.file, line: table.line },
    }
  } catch {
    return {}
  }
}
