// polypod scorecard on real containers, and its page in a real browser where there is one.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it, onTestFinished } from 'vitest'
import { featureNames, figures, type Scorecard } from '../../src/cli/scorecard/model.ts'
import { scorecardPage } from '../../src/cli/scorecard/page.ts'
import { scorecardMarkdown } from '../../src/cli/scorecard/text.ts'
import { type CliCluster, cliCluster, polypod, run, whyNoContainers } from './polypod.ts'
import { whyNotOn } from './real-handlers.ts'

const why = await whyNoContainers()
const whyNoGvisor = await whyNotOn('gvisor')

/** Chromium under one of its names; undefined where there is none. */
async function browser(): Promise<string | undefined> {
  for (const name of ['chromium', 'chromium-browser', 'google-chrome'])
    if ((await run('/bin/sh', ['-c', `command -v ${name}`])).code === 0) return name
  return undefined
}
const chromium = await browser()

describe.skipIf(why !== undefined)(`polypod scorecard${why ? ` (skipped: ${why})` : ''}`, () => {
  let cluster: CliCluster
  let card: Scorecard
  beforeAll(async () => {
    cluster = await cliCluster([])
    const handlers = whyNoGvisor === undefined ? 'runc,gvisor' : 'runc'
    const flags = ['--handler', handlers, '--pods', '2', '-o', 'json', '--data-dir', cluster.dataDir]
    const { code, stdout, stderr } = await polypod('scorecard', ...flags)
    assert.equal(code, 0, stderr)
    card = JSON.parse(stdout) as Scorecard
  }, 300_000)
  afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000)

  it('measures everything on runc, and finds what works', () => {
    const score = card.handlers.find(({ handler }) => handler === 'runc')
    assert.deepEqual(score?.problems, [])
    for (const { key } of figures) assert.ok((score?.figures[key] ?? 0) > 0, `${key}: ${JSON.stringify(score?.figures)}`)
    assert.ok((score?.start?.samples ?? 0) === 2 && (score?.start?.p50Ms ?? 0) > 10, JSON.stringify(score?.start))
    // a shim and a pause program
    assert.ok((score?.sandboxBytes ?? 0) > 2 ** 20 && (score?.sandboxBytes ?? 0) < 30 * 2 ** 20, String(score?.sandboxBytes))
    assert.match(score?.kernel ?? '', /^\d+\.\d+/)
    assert.deepEqual(
      score?.features.map(({ name }) => name).toSorted((a, b) => (a < b ? -1 : 1)),
      featureNames.toSorted((a, b) => (a < b ? -1 : 1)),
    )
    // user namespaces depend on the runtime's version
    const failing = score?.features.filter(({ name, works }) => !works && name !== 'user namespace')
    assert.deepEqual(failing, [])
  })

  it.skipIf(whyNoGvisor !== undefined)(
    `shows a kernel in user space for what it is${whyNoGvisor ? ` (skipped: ${whyNoGvisor})` : ''}`,
    () => {
      const [runc, gvisor] = ['runc', 'gvisor'].map((name) => card.handlers.find(({ handler }) => handler === name))
      assert.deepEqual(gvisor?.problems, [])
      assert.match(gvisor?.kernel ?? '', /gvisor/)
      assert.ok((gvisor?.sandboxBytes ?? 0) > (runc?.sandboxBytes ?? Infinity), JSON.stringify(gvisor))
      assert.ok((gvisor?.figures.syscall ?? 0) > (runc?.figures.syscall ?? Infinity), JSON.stringify(gvisor?.figures))
      const failing = gvisor?.features.flatMap(({ name, works }) => (works ? [] : name))
      assert.deepEqual(failing?.toSorted(), ['hostNetwork', 'user namespace'])
    },
  )

  it('leaves nothing behind', async () => {
    const all = await cluster.kubectl(['get', 'namespaces,runtimeclasses', '-o', 'name'])
    assert.ok(!all.includes('scorecard'), all)
    const pods = await cluster.kubectl(['get', 'pods', '-A', '-o', 'name'])
    assert.equal(pods, '')
  })

  it('reads as Markdown', () => {
    const table = scorecardMarkdown(card).split('\n').slice(4)
    const columns = card.handlers.map(({ handler }) => handler)
    assert.equal(table[0], `|  | ${columns.join(' | ')} |`)
    assert.equal(table[2], `| runtime | ${card.handlers.map(({ runtime }) => runtime).join(' | ')} |`)
  })

  it.skipIf(chromium === undefined)(
    `opens in a browser and shows its numbers${chromium ? '' : ' (skipped: no chromium on this machine)'}`,
    async () => {
      const dir = await mkdtemp(join(tmpdir(), 'polypod-page-'))
      onTestFinished(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }))
      const page = join(dir, 'scorecard.html')
      const shot = join(dir, 'scorecard.png')
      await writeFile(page, scorecardPage(card))
      const flags = [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        `--user-data-dir=${join(dir, 'profile')}`,
        '--window-size=1100,1800',
      ]
      const dumped = await run(chromium ?? '', [...flags, '--dump-dom', `file://${page}`])
      assert.equal(dumped.code, 0, dumped.stderr)
      const start = card.handlers[0]?.start
      assert.ok(dumped.stdout.includes(`>${start?.p50Ms} ms</text>`), 'the start of a Pod stands beside its bar')
      const best = dumped.stdout.match(/<rect class="best"/g)?.length ?? 0
      // two handlers may be equally good
      assert.ok(best >= figures.length + 2, `each chart has its bar: ${best}`)
      const shown = await run(chromium ?? '', [...flags, `--screenshot=${shot}`, `file://${page}`])
      assert.equal(shown.code, 0, shown.stderr)
      const picture = await readFile(shot)
      assert.deepEqual(
        [picture.toString('latin1', 1, 4), picture.readUInt32BE(16), picture.readUInt32BE(20)],
        ['PNG', 1100, 1800],
      )
      // an empty page is a few kilobytes
      assert.ok(picture.length > 40_000, `the picture has ${picture.length} bytes`)
      const copy = process.env.SCORECARD_PICTURE
      if (copy) await writeFile(copy, picture)
    },
  )
})
