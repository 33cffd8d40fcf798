// A Pod's trace as OpenTelemetry spans, in OTLP's JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
import { createHash } from 'node:crypto'
import { polypodVersion } from '../api/version.ts'
import { Problem } from '../cluster/problem.ts'
import type { PodTrace, TracedCall, TraceStep } from './trace-steps.ts'

interface Attribute {
  key: string
  value: { stringValue: string } | { intValue: string } | { boolValue: boolean } | { doubleValue: number }
}

interface OtlpSpan {
  traceId: string
  spanId: string
  parentSpanId?: string | undefined
  name: string
  /** 1: internal. */
  kind: 1
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: Attribute[]
  /** 1: ok, 2: error, 0: not said. */
  status: { code: 0 | 1 | 2; message?: string | undefined }
}

export interface OtlpTrace {
  resourceSpans: {
    resource: { attributes: Attribute[] }
    scopeSpans: { scope: { name: string; version: string }; spans: OtlpSpan[] }[]
  }[]
}

/** Who does the step: the service of its spans. */
const services: Record<TraceStep['name'], string> = {
  ...{ admission: 'kube-apiserver', scheduling: 'kube-scheduler', kubelet: 'kubelet' },
  ...{ containerd: 'containerd', shim: 'containerd-shim' },
}

/** The same Pod gives the same ids each time: its UID is the trace's id. Steps without a time are left out. */
export function otlpTrace(trace: PodTrace): OtlpTrace {
  const timed = trace.steps.flatMap((step) => (step.at === undefined ? [] : [{ step, ...timesOf(step) }]))
  if (timed.length === 0) return { resourceSpans: [] }
  const root = spanOf(trace, `pod ${trace.namespace}/${trace.name}`, {
    startMs: Math.min(...timed.map(({ startMs }) => startMs)),
    endMs: Math.max(...timed.map(({ endMs }) => endMs)),
  })
  const steps = timed.map(({ step, startMs, endMs }) => ({
    service: services[step.name],
    span: {
      ...spanOf(trace, step.name, { startMs, endMs }),
      parentSpanId: root.spanId,
      attributes: attributesOf({ 'polypod.summary': step.summary, ...flat(step.facts, `polypod.${step.name}`) }),
      status: step.state === 'failed' ? { code: 2 as const, message: step.summary } : { code: 1 as const },
    },
  }))
  const kubelet = steps.find(({ span }) => span.name === 'kubelet')?.span.spanId ?? root.spanId
  const calls = trace.calls.map((call) => ({
    service: services.kubelet,
    span: { ...callSpan(trace, call), parentSpanId: kubelet },
  }))
  return { resourceSpans: [{ service: 'polypod', span: root }, ...steps, ...calls].map((one) => resourceSpans(trace, one)) }
}

function callSpan(trace: PodTrace, { name, at, durationMs, container, error }: TracedCall): OtlpSpan {
  const startMs = Date.parse(at)
  return {
    ...spanOf(trace, `${name} ${at}${container ?? ''}`, { startMs, endMs: startMs + durationMs }),
    ...{ name, attributes: attributesOf({ 'k8s.container.name': container }) },
    status: error === undefined ? { code: 1 } : { code: 2, message: error },
  }
}

/** POSTs to `<endpoint>/v1/traces`. Throws Problem when the collector does not take it. */
export async function sendTrace(trace: PodTrace, endpoint: string): Promise<void> {
  const url = endpoint.endsWith('/v1/traces') ? endpoint : `${endpoint.replace(/\/$/, '')}/v1/traces`
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(otlpTrace(trace)) }).catch((error: Error) => {
    throw new Problem('failed', `no OpenTelemetry collector answers at ${url}: ${error.message}`, error)
  })
  if (!answer.ok) throw new Problem('failed', `${url} answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`)
}

function timesOf({ at = '', durationMs = 0, name }: TraceStep): { startMs: number; endMs: number } {
  const ms = Date.parse(at)
  // the scheduler's time is that of its decision, the others' that of their beginning
  return name === 'scheduling' ? { startMs: ms - durationMs, endMs: ms } : { startMs: ms, endMs: ms + durationMs }
}

function spanOf(trace: PodTrace, name: string, { startMs, endMs }: { startMs: number; endMs: number }): OtlpSpan {
  return {
    traceId: trace.uid.replaceAll('-', ''),
    spanId: createHash('sha256').update(`${trace.uid} ${name}`).digest('hex').slice(0, 16),
    ...{ name, kind: 1 as const, startTimeUnixNano: `${startMs}000000`, endTimeUnixNano: `${endMs}000000` },
    ...{ attributes: [], status: { code: 0 } },
  }
}

function resourceSpans({ namespace, name, uid, node }: PodTrace, { service, span }: { service: string; span: OtlpSpan }) {
  const pod = { 'k8s.namespace.name': namespace, 'k8s.pod.name': name, 'k8s.pod.uid': uid, 'k8s.node.name': node }
  return {
    resource: { attributes: attributesOf({ 'service.name': service, ...pod }) },
    scopeSpans: [{ scope: { name: 'polypod', version: polypodVersion }, spans: [span] }],
  }
}

/** Nested facts as dotted names; lists as they print. */
function flat(facts: Record<string, unknown>, prefix: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]): [string, unknown][] => {
      const name = `${prefix}.${key}`
      if (typeof value !== 'object' || value === null) return [[name, value]]
      return Array.isArray(value) ? [[name, JSON.stringify(value)]] : Object.entries(flat(value as Record<string, unknown>, name))
    }),
  )
}

const attributesOf = (values: Record<string, unknown>): Attribute[] =>
  Object.entries(values).flatMap(([key, value]): Attribute[] => {
    if (typeof value === 'string') return [{ key, value: { stringValue: value } }]
    if (typeof value === 'boolean') return [{ key, value: { boolValue: value } }]
    if (typeof value !== 'number') return []
    return [{ key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } }]
  })
