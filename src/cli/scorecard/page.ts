// The scorecard as one page that needs nothing else: styles and charts are inside, and no script is.
import { mebibytes } from '../../ledger/recommended-overhead.ts'
import { featureRows, machineLine, numberText, remarks } from './cells.ts'
import { type Bar, barChart, escapedHtml } from './chart.ts'
import { figures, type HandlerScore, type Scorecard } from './model.ts'

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #ffffff; --line: #d8dee4; --bar: #8fb5e6; --best: #1f6feb; --good: #1a7f37; --bad: #cf222e }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117; --line: #30363d; --bar: #2d5486; --best: #4493f8; --good: #3fb950; --bad: #f85149 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { margin: 0 0 .25rem; font-size: 1.7rem }
h2 { margin: 2.25rem 0 .5rem; font-size: 1.15rem }
p, li { color: var(--soft) }
table { width: 100%; border-collapse: collapse }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top }
td.works { color: var(--good) } td.fails { color: var(--bad) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1.5rem }
@media (max-width: 30rem) { .charts { grid-template-columns: 1fr } }
figure { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; min-width: 0 }
figcaption { font-weight: 600 } figcaption small { font-weight: 400; color: var(--soft) }
svg { display: block; width: 100%; height: auto; margin-top: .5rem }
svg text { font: 13px system-ui, sans-serif; dominant-baseline: middle; fill: var(--ink) }
svg .label { text-anchor: end } svg .value { fill: var(--soft) } svg .bar { fill: var(--bar) } svg .best { fill: var(--best) }
`

interface Chart {
  title: string
  unit: string
  better: 'more' | 'less'
  value: (score: HandlerScore) => number | undefined
  text?: (value: number) => string
}

const charts: readonly Chart[] = [
  { title: 'Start of a Pod, median', unit: 'ms', better: 'less', value: ({ start }) => start?.p50Ms },
  {
    title: 'Memory of a sandbox',
    unit: 'Mi',
    better: 'less',
    value: ({ sandboxBytes }) => sandboxBytes,
    text: mebibytes,
  },
  ...figures.map(({ key, ...figure }): Chart => ({ ...figure, value: (score) => score.figures[key] })),
]

export function scorecardPage(card: Scorecard): string {
  const said = remarks(card)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Polypod scorecard: ${escapedHtml(card.handlers.map(({ handler }) => handler).join(', '))}</title>
<style>${style}</style>
</head>
<body>
<h1>Runtime scorecard</h1>
<p>The same Pods on every handler. ${escapedHtml(machineLine(card))}</p>
${runtimeTable(card)}
<h2>Measured</h2>
<div class="charts">
${charts.map((chart) => figureOf(chart, card)).join('\n')}
</div>
<h2>Features</h2>
${featureTable(card)}
${said.length > 0 ? `<h2>Remarks</h2>\n<ul>\n${said.map((one) => `<li>${escapedHtml(one)}</li>`).join('\n')}\n</ul>` : ''}
</body>
</html>
`
}

const cellsOf = (tag: 'td' | 'th', cells: readonly string[]): string =>
  cells.map((cell) => `<${tag}>${escapedHtml(cell)}</${tag}>`).join('')

function runtimeTable({ handlers }: Scorecard): string {
  const rows = handlers.map(({ handler, runtime, kernel }) => `<tr>${cellsOf('td', [handler, runtime, kernel ?? '-'])}</tr>`)
  return `<table class="runtimes">\n<tr>${cellsOf('th', ['Handler', 'Runtime', 'Kernel seen inside'])}</tr>\n${rows.join('\n')}\n</table>`
}

function figureOf({ title, unit, better, value, text }: Chart, { handlers }: Scorecard): string {
  const bars = handlers.map((score): Bar => {
    const measured = value(score)
    const shown = text ?? ((number: number) => `${numberText(number)} ${unit}`)
    return { label: score.handler, value: measured, text: measured === undefined ? 'not measured' : shown(measured) }
  })
  return `<figure><figcaption>${escapedHtml(title)} <small>${better} is better</small></figcaption>${barChart(title, bars, better)}</figure>`
}

function featureTable(card: Scorecard): string {
  const head = cellsOf('th', ['Feature', ...card.handlers.map(({ handler }) => handler)])
  const rows = featureRows(card).map(({ title, cells }) => {
    const marked = cells.map((cell, i) => {
      const why = card.handlers[i]?.features.find(({ name }) => name === title)?.why ?? ''
      return `<td class="${cell}" title="${escapedHtml(why)}">${cell}</td>`
    })
    return `<tr><th>${escapedHtml(title)}</th>${marked.join('')}</tr>`
  })
  return `<table class="features">\n<tr>${head}</tr>\n${rows.join('\n')}\n</table>`
}
