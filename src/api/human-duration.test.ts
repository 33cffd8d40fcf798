import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { humanDuration } from './human-duration.ts'

const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000]

describe('ages', () => {
  cases(
    [
      { name: 'nothing yet', ms: 999, want: '0s' },
      { name: 'a clock a little behind', ms: -1 * second, want: '0s' },
      { name: 'a clock far behind', ms: -2 * second, want: '<invalid>' },
      { name: 'seconds up to two minutes', ms: 119 * second, want: '119s' },
      { name: 'minutes', ms: 2 * minute, want: '2m' },
      { name: 'minutes and seconds', ms: 9 * minute + 59 * second, want: '9m59s' },
      { name: 'minutes alone', ms: 10 * minute + 59 * second, want: '10m' },
      { name: 'up to three hours', ms: 179 * minute, want: '179m' },
      { name: 'hours and minutes', ms: 3 * hour + 5 * minute, want: '3h5m' },
      { name: 'hours', ms: 47 * hour + 59 * minute, want: '47h' },
      { name: 'days and hours', ms: 2 * day + 3 * hour, want: '2d3h' },
      { name: 'days', ms: 729 * day, want: '729d' },
      { name: 'years and days', ms: 731 * day, want: '2y1d' },
      { name: 'years', ms: 9 * 365 * day, want: '9y' },
      { name: 'no time at all', ms: Number.NaN, want: '<unknown>' },
    ],
    ({ ms, want }) => assert.equal(humanDuration(ms), want),
  )
})
