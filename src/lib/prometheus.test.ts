import assert from 'node:assert/strict'
import { it } from 'vitest'
import { counter, exposition, histogram } from './prometheus.ts'

it('counts by labels, and escapes what the format needs escaped', () => {
  const requests = counter('requests_total', 'Help with \\ and\nnewline')
  for (const verb of ['GET', 'a"b\\\n', 'GET']) requests.add({ verb })
  assert.equal(
    exposition([requests.family(), { name: 'up', help: 'Up', type: 'gauge', samples: [{ labels: {}, value: 0.25 }] }]),
    [
      String.raw`# HELP requests_total Help with \\ and\nnewline`,
      '# TYPE requests_total counter',
      'requests_total{verb="GET"} 2',
      String.raw`requests_total{verb="a\"b\\\n"} 1`,
      '# HELP up Up',
      '# TYPE up gauge',
      'up 0.25\n',
    ].join('\n'),
  )
})

it('a histogram counts each value in every bucket it fits in', () => {
  const took = histogram('took_seconds', 'Took')
  for (const seconds of [0.004, 0.3, 11]) took.observe({ handler: 'kata' }, seconds)
  const lines = exposition([took.family()]).split('\n')
  assert.deepEqual(
    lines.filter((line) => /le="(0.005|0.25|0.5|10|\+Inf)"|_sum|_count/.test(line)),
    [
      'took_seconds_bucket{handler="kata",le="0.005"} 1',
      'took_seconds_bucket{handler="kata",le="0.25"} 1',
      'took_seconds_bucket{handler="kata",le="0.5"} 2',
      'took_seconds_bucket{handler="kata",le="10"} 2',
      'took_seconds_bucket{handler="kata",le="+Inf"} 3',
      'took_seconds_sum{handler="kata"} 11.304',
      'took_seconds_count{handler="kata"} 3',
    ],
  )
})
