import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { barChart } from './chart.ts'
import type { HandlerScore, Scorecard } from './model.ts'
import { scorecardPage } from './page.ts'
import { scorecardMarkdown, scorecardTable } from './text.ts'

const latency = (p50Ms: number) => ({ p50Ms, p90Ms: p50Ms + 9, p99Ms: 0, maxMs: 0, meanMs: 0, errorMs: 0, samples: 3 })
const runc: HandlerScore = {
  ...{ handler: 'runc', runtime: 'runc 1.1.5', kernel: '6.1.0', start: latency(250), sandboxBytes: 4.5 * 2 ** 20 },
  figures: { sha256: 301.26, syscall: 150 },
  features: [{ name: 'exec', works: true, why: 'a command ran' }],
  problems: [],
}
const gvisor: HandlerScore = {
  ...{ handler: 'gvisor', runtime: 'runsc <dev>' },
  figures: { sha256: 290 },
  features: [{ name: 'exec', works: false, why: 'no | such & file' }],
  problems: ['network: it never answered'],
}
const card: Scorecard = {
  measuredAt: '2026-01-01T00:00:00Z',
  machine: {
    ...{ osImage: 'Debian', kernelVersion: '6.1.0', architecture: 'amd64', cpuModel: 'EPYC', cpus: 2, memory: '24Gi' },
    ...{ cgroup: 'v2', containerRuntime: 'containerd://1.6.20' },
  },
  ...{ pods: 3, load: 1.5, handlers: [runc, gvisor] },
}

describe('the scorecard', () => {
  it('as a table has a column for each handler, and says what failed', () => {
    const lines = scorecardTable(card).split('\n')
    assert.equal(
      lines[0],
      'Debian, kernel 6.1.0, 2 CPUs (EPYC), cgroup v2, containerd://1.6.20; 3 Pods started one after the other; 2026-01-01T00:00:00Z',
    )
    const row = (title: string) => lines.find((line) => line.startsWith(title))?.split(/ {3,}/)
    assert.deepEqual(row('Start, median'), ['Start, median', '250 ms', '-'])
    assert.deepEqual(row('Memory of'), ['Memory of the sandbox', '4.5Mi', '-'])
    assert.deepEqual(row('CPU (SHA'), ['CPU (SHA-256)', '301 MB/s', '290 MB/s'])
    assert.deepEqual(row('exec'), ['exec', 'works', 'fails'])
    assert.deepEqual(lines.slice(-3), ['gvisor: network: it never answered', 'gvisor, exec: fails: no | such & file', ''])
  })

  it('says when the machine was busy', () => {
    const said = 'the machine was busy before it began (load 7.5 on 2 CPUs): rates are too low, and handlers had unequal luck'
    for (const render of [scorecardTable, scorecardMarkdown, scorecardPage]) {
      assert.ok(render({ ...card, load: 7.5 }).includes(said))
      assert.ok(!render(card).includes('busy'))
    }
  })

  it('as Markdown does not let a reason break the table', () => {
    const text = scorecardMarkdown(card)
    assert.ok(text.includes('|  | runc | gvisor |\n| --- | --- | --- |\n| runtime | runc 1.1.5 | runsc <dev> |\n'), text)
    assert.ok(text.includes('\n- gvisor, exec: fails: no \\| such & file\n'), text)
  })

  it('as a page shows every number, needs nothing from anywhere, and takes no text for markup', () => {
    const page = scorecardPage(card)
    assert.deepEqual(page.match(/\b(?:src|href)=|url\(|@import|<script|https?:/g), null)
    for (const text of ['250 ms', '4.5Mi', '301 MB/s', '150 ns', 'not measured', 'runsc &#60;dev&#62;', 'no | such &#38; file'])
      assert.ok(page.includes(text), text)
    assert.ok(!page.includes('<dev>'))
    assert.equal(page.match(/<svg /g)?.length, 10)
  })
})

describe('a bar chart', () => {
  const widths = (svg: string) =>
    [...svg.matchAll(/class="(bar|best)"[^>]* width="([\d.]+)"/g)].map(([, name, width]) => [name, Number(width)])
  const bars = [
    { label: 'a', value: 50, text: '50' },
    { label: 'b', value: 200, text: '200' },
    { label: 'c', value: undefined, text: 'not measured' },
  ]

  it('is drawn to scale, the best one strongly', () => {
    const [a, b, c] = widths(barChart('t', bars, 'less'))
    assert.deepEqual([a?.[0], b?.[0], c?.[0]], ['best', 'bar', 'bar'])
    assert.equal(Number(b?.[1]) / Number(a?.[1]), 4)
    assert.equal(c?.[1], 0)
    assert.deepEqual(
      widths(barChart('t', bars, 'more')).map(([name]) => name),
      ['bar', 'best', 'bar'],
    )
  })
})
