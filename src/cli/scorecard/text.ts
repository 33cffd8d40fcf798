// The scorecard as a table for a terminal, and as Markdown.
import { table } from '../output.ts'
import { type CellRow, featureRows, machineLine, measuredRows, remarks } from './cells.ts'
import type { Scorecard } from './model.ts'

const rowsOf = (card: Scorecard): CellRow[] => [
  { title: 'runtime', cells: card.handlers.map(({ runtime }) => runtime) },
  { title: 'kernel seen inside', cells: card.handlers.map(({ kernel }) => kernel ?? '-') },
  ...measuredRows(card),
  ...featureRows(card),
]

export function scorecardTable(card: Scorecard): string {
  const head = ['', ...card.handlers.map(({ handler }) => handler.toUpperCase())]
  const rows = rowsOf(card).map(({ title, cells }) => [title, ...cells])
  const said = remarks(card)
  return `${machineLine(card)}\n\n${table(head, rows)}${said.length > 0 ? `\n${said.join('\n')}\n` : ''}`
}

const escaped = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

export function scorecardMarkdown(card: Scorecard): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escaped).join(' | ')} |`
  const names = card.handlers.map(({ handler }) => handler)
  const rows = rowsOf(card).map(({ title, cells }) => line([title, ...cells]))
  const said = remarks(card).map((remark) => `- ${escaped(remark)}`)
  return [
    ...['# Scorecard', '', machineLine(card), ''],
    ...[line(['', ...names]), line(['---', ...names.map(() => '---')]), ...rows],
    ...(said.length > 0 ? ['', ...said] : []),
    '',
  ].join('\n')
}
