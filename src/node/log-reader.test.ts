import assert from 'node:assert/strict'
import { appendFile, mkdtemp, open, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { systemClock } from '../lib/clock.ts'
import { cases } from '../testing/cases.ts'
import { eventually } from '../testing/eventually.ts'
import { fixedTimestamp } from './cri/log-line.ts'
import { tailStart } from './log-tail.ts'
import { type LogOptions, readLog } from './log-reader.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'log-reader-'))
  path = join(folder, '0.log')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const line = (second: number, text: string, tag = 'F', stream = 'stdout') =>
  `2026-01-02T03:04:0${second}.5Z ${stream} ${tag} ${text}\n`
const plain: LogOptions = { follow: false, timestamps: false }
const never = new AbortController().signal

async function read(options: Partial<LogOptions>, signal = never): Promise<string> {
  let all = ''
  const source = { path, ended: async () => true }
  for await (const part of readLog(source, { ...plain, ...options }, { clock: systemClock, signal })) all += part.toString()
  return all
}

describe('readLog', () => {
  const three = line(1, 'one') + line(2, 'tw', 'P') + line(2, 'o', 'P', 'stdout') + line(2, '') + line(3, 'three', 'F', 'stderr')
  cases<{ name: string; file: string; options: Partial<LogOptions>; want: string }>(
    [
      { name: 'joins the parts of a line', file: three, options: {}, want: 'one\ntwo\nthree\n' },
      {
        name: 'puts a timestamp of fixed width before each line, not before its parts',
        file: three,
        options: { timestamps: true },
        want: [
          '2026-01-02T03:04:01.500000000Z one\n',
          '2026-01-02T03:04:02.500000000Z two\n',
          '2026-01-02T03:04:03.500000000Z three\n',
        ].join(''),
      },
      { name: 'counts a line in parts once', file: three, options: { tailLines: 2 }, want: 'two\nthree\n' },
      { name: 'gives nothing for a tail of none', file: three, options: { tailLines: 0 }, want: '' },
      { name: 'gives all for a tail longer than the file', file: three, options: { tailLines: 9 }, want: 'one\ntwo\nthree\n' },
      {
        name: 'leaves out what is older',
        file: three,
        options: { sinceAt: Date.parse('2026-01-02T03:04:02.5Z') },
        want: 'two\nthree\n',
      },
      { name: 'stops within a line at the limit', file: three, options: { limitBytes: 6 }, want: 'one\ntw' },
      { name: 'keeps to one stream', file: three, options: { stream: 'stderr' }, want: 'three\n' },
      {
        name: 'shows a last line still being written',
        file: `${three}2026-01-02T03:04:04Z stdout F fo`,
        options: {},
        want: 'one\ntwo\nthree\nfo\n',
      },
      { name: 'skips what is no log line', file: `garbage\n${three}\n\n`, options: {}, want: 'one\ntwo\nthree\n' },
      { name: 'is empty for an empty file', file: '', options: { tailLines: 3 }, want: '' },
    ],
    async ({ file, options, want }) => {
      await writeFile(path, file)
      assert.equal(await read(options), want)
    },
  )

  it('rejects when there is no file', async () => {
    await assert.rejects(read({}), { code: 'ENOENT' })
  })

  it('does not split or lose text at the edges of its chunks', async () => {
    const texts = Array.from({ length: 3_000 }, (_, i) => `${i} ${'ä'.repeat(i % 97)}`)
    await writeFile(path, texts.map((text) => line(1, text)).join(''))
    assert.equal(await read({}), `${texts.join('\n')}\n`)
  })
})

describe('tailStart', () => {
  it('finds the same place as splitting the whole file would', async () => {
    const part = fc.record({ length: fc.integer({ min: 0, max: 40_000 }), tag: fc.constantFrom('P', 'F') })
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 12 }), fc.nat({ max: 8 }), async (parts, lines) => {
        const raw = parts.map(({ length, tag }) => line(1, 'x'.repeat(length), tag))
        await writeFile(path, raw.join(''))
        // every whole line with the parts before it; an unfinished one at the end stands alone
        const whole: string[] = ['']
        parts.forEach(({ tag }, i) => {
          whole[whole.length - 1] += raw[i] ?? ''
          if (tag === 'F') whole.push('')
        })
        if (whole.at(-1) === '') whole.pop()
        const wanted = whole.slice(Math.max(0, whole.length - lines)).join('')
        const file = await open(path)
        const { size } = await file.stat()
        const start = await tailStart(file, size, lines)
        await file.close()
        assert.equal(size - start, wanted.length)
      }),
      { numRuns: 60 },
    )
  })
})

describe('readLog following', () => {
  it('goes on with what is appended, across a rotation and a truncation, and ends with the container', async () => {
    await writeFile(path, line(1, 'old') + line(1, 'first'))
    let ended = false
    let got = ''
    const source = { path, ended: async () => ended }
    const options = { ...plain, follow: true, tailLines: 1 }
    const reading = (async () => {
      for await (const part of readLog(source, options, { clock: systemClock, signal: never })) got += part.toString()
    })()
    await eventually(() => got === 'first\n')
    await appendFile(path, line(2, 'second'))
    await eventually(() => got.endsWith('second\n'))
    await rename(path, `${path}.20260102-030405`)
    await appendFile(`${path}.20260102-030405`, line(3, 'late in the old file'))
    await writeFile(path, line(4, 'new file'))
    await eventually(() => got.endsWith('new file\n'))
    await truncate(path)
    // shorter than what was read before, so that it shows however late the reader looks
    await appendFile(path, line(5, 'x'))
    await eventually(() => got.endsWith('x\n'))
    await appendFile(path, line(6, 'last words'))
    ended = true
    await reading
    assert.equal(got, 'first\nsecond\nlate in the old file\nnew file\nx\nlast words\n')
  })

  it('stops when told to', async () => {
    await writeFile(path, line(1, 'one'))
    const stop = new AbortController()
    const reading = (async () => {
      let got = ''
      const source = { path, ended: async () => false }
      for await (const part of readLog(source, { ...plain, follow: true }, { clock: systemClock, signal: stop.signal })) {
        got += part.toString()
        stop.abort()
      }
      return got
    })()
    assert.equal(await reading, 'one\n')
  })
})

describe('fixedTimestamp', () => {
  cases(
    [
      { name: 'no fraction', given: '2026-01-02T03:04:05Z', want: '2026-01-02T03:04:05.000000000Z' },
      { name: 'trimmed zeros', given: '2026-01-02T03:04:05.12Z', want: '2026-01-02T03:04:05.120000000Z' },
      { name: 'a zone', given: '2026-01-02T03:04:05.123456789+02:00', want: '2026-01-02T03:04:05.123456789+02:00' },
      {
        name: 'a zone west of Greenwich, no fraction',
        given: '2026-01-02T03:04:05-07:00',
        want: '2026-01-02T03:04:05.000000000-07:00',
      },
    ],
    ({ given, want }) => assert.equal(fixedTimestamp(given), want),
  )
})
