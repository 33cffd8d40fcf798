// A PodExplanation for people.
import type { AskedOfNode, NodeVerdict, PodChange, PodExplanation } from '../api/polypod/pod-explanation.ts'
import { table } from './output.ts'

type ExplainedClass = NonNullable<NonNullable<PodExplanation['status']>['runtimeClass']>

export function explanationText({ metadata, status }: PodExplanation): string {
  if (!status) return ''
  const { verdict, summary, runtimeClass, asks = [], causes = [], nodes = [], changes = [], hints = [] } = status
  const blocks = [
    `Pod ${metadata.namespace}/${metadata.name}: ${verdict}: ${summary}\n`,
    runtimeClass ? `${classText(runtimeClass)}\n` : '',
    titled(
      'Why',
      causes.map(({ type, message }) => `  ${type}: ${message}\n`),
    ),
    titled(
      'It asks of a node',
      indented(
        asks.filter(isWorthALine).map(({ field, value, from }) => [field, value, from]),
        ['FIELD', 'VALUE', 'FROM'],
      ),
    ),
    nodesText(nodes),
    titled(
      causes.length > 0 ? 'Any one of these would let it run (admission, quotas and scheduling are checked)' : '',
      changes.map(changeText),
    ),
    titled(
      changes.length > 0 ? 'Or' : 'No change could be checked; what may help',
      hints.map((hint) => `  ${hint}\n`),
    ),
  ]
  return blocks.filter((block) => block !== '').join('\n')
}

const classText = ({ name, handler = '(there is no such class)', from }: ExplainedClass): string =>
  `RuntimeClass ${name}${from === undefined ? '' : ` (from ${from})`}, handler ${handler}`

/** Of clusters with more nodes, -o json tells the rest. */
const mostNodes = 30

function nodesText(nodes: readonly NodeVerdict[]): string {
  if (nodes.length === 0) return ''
  const rows = nodes.slice(0, mostNodes).flatMap(({ name, fits, reasons = [] }) => {
    const [first = '', ...others] = reasons
    return [[name, fits ? 'yes' : 'no', first], ...others.map((reason) => ['', '', reason])]
  })
  const more = nodes.length <= mostNodes ? '' : `... and ${nodes.length - mostNodes} more: -o json tells of all of them\n`
  return `${table(['NODE', 'FITS', 'WHY NOT'], rows)}${more}`
}

/** What every Pod has says nothing about this one. */
const isWorthALine = ({ from }: AskedOfNode): boolean => from !== 'DefaultTolerationSeconds'

const titled = (title: string, lines: readonly string[]): string => (lines.length === 0 ? '' : `${title}:\n${lines.join('')}`)

const indented = (rows: readonly (readonly string[])[], head: readonly string[]): string[] =>
  rows.length === 0
    ? []
    : table(head, rows)
        .trimEnd()
        .split('\n')
        .map((line) => `  ${line}\n`)

function changeText({ summary, steps, node, unchecked = [] }: PodChange, i: number): string {
  const commands = steps.flatMap(({ command }) => (command === undefined ? [] : [`       ${command}\n`]))
  const anew = steps.some(({ recreate }) => recreate) ? '; the Pod has to be made anew for it' : ''
  const where = node === undefined ? '' : `; it goes to ${node}`
  const open = unchecked.map((what) => `       not checked: ${what}\n`)
  return `  ${i + 1}. ${summary}${anew}${where}\n${commands.join('')}${open.join('')}`
}
