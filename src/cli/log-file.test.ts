import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, it } from 'vitest'
import { logFile } from './log-file.ts'

describe('the log file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'log-file-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  it('drops what there is no room for, and says so when there is', () => {
    const path = join(folder, 'log')
    let room = Infinity
    const log = logFile(path, (fd, bytes) => {
      if (room === 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      return writeSync(fd, bytes, 0, Math.min(bytes.length, room))
    })
    log.write('one\n')
    room = 2
    log.write('two\n')
    room = 0
    log.write('three\n')
    room = Infinity
    log.write('four\n')
    log.write('five\n')
    log.close()
    const lost = '{"level":40,"msg":"2 lines were lost: the log could not be written"}'
    assert.equal(readFileSync(path, 'utf8'), `one\ntw\n${lost}\nfour\nfive\n`)
    assert.equal(statSync(path).mode & 0o777, 0o600)
  })

  it('goes on where it ended', () => {
    const path = join(folder, 'again')
    for (const line of ['one\n', 'two\n']) {
      const log = logFile(path)
      log.write(line)
      log.close()
    }
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n')
  })
})
