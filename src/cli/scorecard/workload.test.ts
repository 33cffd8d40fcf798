import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, onTestFinished } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { busyScript, clientScript, figuresOf, insideScript, linesOf, rateScript, serverScript } from './workload.ts'

describe('scripts of the scorecard', () => {
  const scripts = Object.entries({ insideScript, busyScript, serverScript, clientScript: clientScript('10.0.0.1') })
  cases(
    scripts.map(([name, script]) => ({ name: `${name} is one that a shell can read`, script })),
    ({ script }) => {
      const { status, stderr } = spawnSync('/bin/sh', ['-n', '-c', script], { encoding: 'utf8' })
      assert.deepEqual([status, stderr], [0, ''])
    },
  )

  it('measure rates: of something that takes a tenth of a second, ten a second', () => {
    const dir = mkdtempSync(join(tmpdir(), 'polypod-rate-'))
    onTestFinished(() => rmSync(dir, { recursive: true }))
    const out = join(dir, 'out')
    // half a second each, three times, would be too slow for a unit test
    const quick = rateScript.replaceAll('0.5', '0.05').replace('/dev/termination-log', out)
    const script = `${quick}\nrate slow 1 sleep 0.1\nrate broken 1 false\nrate pairs 2 sleep 0.1`
    const { status, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8' })
    assert.deepEqual([status, stderr], [0, ''])
    const lines = linesOf(readFileSync(out, 'utf8'))
    assert.deepEqual([...lines.keys()], ['slow', 'pairs'], 'what fails has no rate')
    const [slow, pairs] = [Number(lines.get('slow')), Number(lines.get('pairs'))]
    assert.ok(slow > 4 && slow <= 10.5, String(slow))
    assert.ok(pairs > 8 && pairs <= 21, String(pairs))
  })
})

describe('what they write', () => {
  it('becomes figures: rates as they are, costs of one', () => {
    const lines = linesOf('kernel 6.1.0\nsha256 250.5\nsyscalls 2000000\nprocesses 500\nwrite 1.5e+03\nping 0.05\n')
    assert.equal(lines.get('kernel'), '6.1.0')
    assert.deepEqual(figuresOf(lines), { sha256: 250.5, syscall: 500, process: 2000, write: 1500, ping: 50 })
  })

  it('is left out where it makes no sense', () => {
    assert.deepEqual(figuresOf(linesOf('sha256 \nread nan\nwrite 0\nping \n')), {})
  })
})
