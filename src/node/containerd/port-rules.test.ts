import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { wordsOf } from './port-rules.ts'

describe('iptables rules', () => {
  it('are taken apart as a shell would, comments with quotes in them included', () => {
    const rule =
      '-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat name: \\"polypod-1\\" id: \\"c5\\"" --dports 80 -j CNI-DN-7f'
    const comment = 'dnat name: "polypod-1" id: "c5"'
    const [before, after] = ['-A CNI-HOSTPORT-DNAT -p tcp -m comment --comment', '--dports 80 -j CNI-DN-7f']
    assert.deepEqual(wordsOf(rule), before.split(' ').concat(comment, after.split(' ')))
  })
})
