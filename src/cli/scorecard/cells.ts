// The scorecard as rows of text, one column per handler: what tables, Markdown and the page all show.
import { mebibytes } from '../../ledger/recommended-overhead.ts'
import { featureNames, figures, type HandlerScore, type Scorecard } from './model.ts'

/** A row's title, and a cell for each handler; `-` where nothing was measured. */
export interface CellRow {
  title: string
  cells: string[]
}

/** Three digits that count: finer is noise. */
export function numberText(value: number): string {
  if (value >= 100) return String(Math.round(value))
  return value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

export function measuredRows({ handlers }: Scorecard): CellRow[] {
  const row = (title: string, cell: (one: HandlerScore) => string | undefined): CellRow => ({
    title,
    cells: handlers.map((one) => cell(one) ?? '-'),
  })
  return [
    row('Start, median', ({ start }) => start && `${start.p50Ms} ms`),
    row('Start, 90 of 100 below', ({ start }) => start && `${start.p90Ms} ms`),
    row('Memory of the sandbox', ({ sandboxBytes }) => (sandboxBytes === undefined ? undefined : mebibytes(sandboxBytes))),
    ...figures.map(({ key, title, unit }) =>
      row(title, (one) => {
        const value = one.figures[key]
        return value === undefined ? undefined : `${numberText(value)} ${unit}`
      }),
    ),
  ]
}

export const featureRows = ({ handlers }: Scorecard): CellRow[] =>
  featureNames.map((name) => ({
    title: name,
    cells: handlers.map(({ features }) => {
      const found = features.find((feature) => feature.name === name)
      return found ? (found.works ? 'works' : 'fails') : '-'
    }),
  }))

/** `runc, user namespace: fails: the reason`, and what could not be measured. */
export const remarks = (card: Scorecard): string[] => [...busyRemark(card), ...card.handlers.flatMap(remarksOf)]

const busyRemark = ({ load, machine: { cpus } }: Scorecard): string[] =>
  load > cpus
    ? [
        `the machine was busy before it began (load ${load.toFixed(1)} on ${cpus} CPUs): rates are too low, and handlers had unequal luck`,
      ]
    : []

const remarksOf = ({ handler, features, problems }: HandlerScore): string[] => [
  ...problems.map((problem) => `${handler}: ${problem}`),
  ...features.filter(({ works }) => !works).map(({ name, why }) => `${handler}, ${name}: fails: ${why}`),
]

export const machineLine = ({ machine, pods, measuredAt }: Scorecard): string =>
  `${machine.osImage}, kernel ${machine.kernelVersion}, ${machine.cpus} CPUs (${machine.cpuModel ?? 'unknown'}), cgroup ${machine.cgroup}, ${machine.containerRuntime}; ${pods} Pods started one after the other; ${measuredAt}`
