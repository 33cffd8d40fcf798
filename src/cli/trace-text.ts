// A Pod's trace for people.
import type { PodTrace, TraceStep } from './trace-steps.ts'

export function traceText(trace: PodTrace): string {
  const { namespace, name, node, phase, summary, steps, missing } = trace
  const head = `Pod ${namespace}/${name}, ${phase}${node ? ` on ${node}` : ''}${summary === undefined ? '' : `\n${summary}`}`
  const unread = missing.map((why) => `  ? ${why}\n`).join('')
  return `${head}\n\n${steps.map(stepText).join('\n')}${unread === '' ? '' : `\nNot read:\n${unread}`}`
}

const marks: Record<TraceStep['state'], string> = { done: '✔', failed: '✘', pending: '…', unknown: '?' }

export function stepText({ step, name, state, at, durationMs, summary, proof }: TraceStep): string {
  const when = [at?.replace(/^[^T]*T/, '').replace(/Z$/, ''), durationMs === undefined ? undefined : `${durationMs} ms`]
  const known = when.filter((part) => part !== undefined).join(', ')
  const head = `${marks[state]} ${step} ${name}${known === '' ? '' : ` (${known})`}`
  return [`${head}: ${summary}`, ...proof.map((line) => `      ${line}`), ''].join('\n')
}
