import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { similarTo } from './similar.ts'

describe('similarTo', () => {
  const rows = [
    { name: 'finds a letter too few', of: 'kta', among: ['runc', 'kata'], want: ['kata'] },
    { name: 'finds two letters that changed places', of: 'importnat', among: ['important', 'low'], want: ['important'] },
    { name: 'puts the nearest first', of: 'web-conf', among: ['web-config', 'web-cont'], want: ['web-cont', 'web-config'] },
    { name: 'finds a part', of: 'config', among: ['shop-config'], want: ['shop-config'] },
    { name: 'leaves alone what is far', of: 'gvisor', among: ['kata-qemu'], want: [] },
    { name: 'does not name the same', of: 'a', among: ['a'], want: [] },
  ]
  cases(rows, ({ of, among, want }) => assert.deepEqual(similarTo(of, among), want))
})
