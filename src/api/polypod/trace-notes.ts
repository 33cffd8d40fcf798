// What admission and the scheduler decided of a Pod, kept in its annotations by writes that happen anyway.
import type { Pod } from '../core/pod.ts'
import type { Toleration } from '../core/toleration.ts'
import { isRecord } from '../schema.ts'

/** Of Pods that have a RuntimeClass, written when they are created. */
export const admissionAnnotation = 'trace.polypod.dev/admission'
/** Of Pods that our scheduler placed; travels with the Binding. */
export const schedulingAnnotation = 'trace.polypod.dev/scheduling'

/** What the class brought, and the Pod did not have already. */
export interface AdmissionNote {
  /** RFC 3339 in milliseconds. */
  at: string
  class: string
  /** The class is the namespace's default; absent: the Pod names it. */
  from?: 'namespace' | undefined
  handler: string
  overhead?: Record<string, string> | undefined
  nodeSelector?: Record<string, string> | undefined
  tolerations?: Toleration[] | undefined
}

export interface SchedulingNote {
  /** When it was decided, RFC 3339 in milliseconds. */
  at: string
  /** From the moment the scheduler knew of the Pod. */
  queuedMs: number
  /** The one that succeeded, from 1. */
  attempt: number
  node: string
  /** Nodes of the cluster, those that were looked at, and those that fit. */
  nodes: number
  examined: number
  feasible: number
  /** Weighted sum; absent when only one node fits, which is not scored. */
  score?: number | undefined
  /** The best of the others that fit. */
  next?: { node: string; score: number } | undefined
}

/** Undefined when nothing was noted, or somebody wrote the annotation: copied from another Pod, or of another shape. */
export function admissionNoteOf({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): AdmissionNote | undefined {
  const found = noteIn<AdmissionNote>(metadata.annotations?.[admissionAnnotation])
  return found?.class !== undefined && found.class === spec.runtimeClassName && isWhole(found) ? found : undefined
}

/** Who gave the Pod its class, for people; undefined: the Pod itself, or nobody noted it. */
export const classGiver = (note: AdmissionNote | undefined): string | undefined =>
  note?.from === 'namespace' ? "the namespace's default" : undefined

function isWhole({ overhead = {}, nodeSelector = {}, tolerations = [] }: AdmissionNote): boolean {
  return [overhead, nodeSelector].every(isRecord) && Array.isArray(tolerations) && tolerations.every(isRecord)
}

/** Undefined when nothing was noted: another scheduler placed it, or nobody did. */
export function schedulingNoteOf({ metadata, spec }: Pick<Pod, 'metadata' | 'spec'>): SchedulingNote | undefined {
  const found = noteIn<SchedulingNote>(metadata.annotations?.[schedulingAnnotation])
  return found?.node !== undefined && found.node === spec.nodeName ? found : undefined
}

function noteIn<T extends { at: string }>(text: string | undefined): T | undefined {
  if (text === undefined) return undefined
  try {
    const found: unknown = JSON.parse(text)
    return isRecord(found) && typeof found.at === 'string' ? (found as unknown as T) : undefined
  } catch {
    return undefined
  }
}
