// What a node knows of its handlers beyond node.status.runtimeHandlers, kept in one annotation of the Node.
import type { Node } from '../api/core/node.ts'

export interface HandlerFacts {
  name: string
  /** What "" stands for. */
  isDefault: boolean
  /** containerd's name of the shim. */
  runtimeType: string
  /** Path of the shim's binary. */
  shim: string
  /** Path and version of the OCI runtime; absent when the shim is the runtime. */
  runtime?: string | undefined
  version?: string | undefined
}

export const handlerFactsAnnotation = 'polypod.dev/runtime-handlers'

export const handlerFactsText = (facts: readonly HandlerFacts[]): string => JSON.stringify(facts)

/** Empty when the node says nothing, or nothing we can read. */
export function handlerFactsOf(node: Node): HandlerFacts[] {
  try {
    const facts: unknown = JSON.parse(node.metadata.annotations?.[handlerFactsAnnotation] ?? '[]')
    return Array.isArray(facts) ? (facts as HandlerFacts[]) : []
  } catch {
    return []
  }
}
