import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { freeSubnet } from './subnet.ts'

describe('Pod network of a cluster', () => {
  cases(
    [
      { name: 'follows from the seed', seed: '00000105', taken: ['192.0.2.2/24'], want: '10.65.5.0/24' },
      { name: 'moves on past another cluster', seed: '00000105', taken: ['10.65.5.1/24', '10.65.6.1/24'], want: '10.65.7.0/24' },
      { name: 'wraps around', seed: '00003fff', taken: ['10.127.255.0/24'], want: '10.64.0.0/24' },
      { name: 'avoids a wide network', seed: '00000000', taken: ['10.64.0.9/16'], want: '10.65.0.0/24' },
    ],
    ({ seed, taken, want }) => assert.equal(freeSubnet(seed, taken), want),
  )
})
