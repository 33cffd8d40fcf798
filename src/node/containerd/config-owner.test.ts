import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { whyNoObject } from './config-owner.ts'

describe('a file that must hold a JSON object', () => {
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'polypod-owner-'))
  })
  afterAll(() => rm(dir, { recursive: true }))
  cases(
    [
      { name: 'one that does', text: '{"ociVersion":"1.1.0"}', want: undefined },
      { name: 'one cut short', text: '{"ociVersion":', want: /^not valid JSON: / },
      { name: 'an empty one', text: '', want: /^not valid JSON: / },
      { name: 'a list', text: '[]', want: /no JSON object/ },
      { name: 'a folder', text: undefined, want: /cannot be read \(EISDIR\)/ },
    ],
    async ({ text, want }) => {
      const path = text === undefined ? dir : join(dir, 'spec.json')
      if (text !== undefined) await writeFile(path, text)
      const why = await whyNoObject(path)
      if (want === undefined) assert.equal(why, undefined)
      else assert.match(why ?? '', want)
    },
  )
})
