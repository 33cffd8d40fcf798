import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { PodMetrics, sandboxUsageAnnotation } from '../api/metrics/resource-metrics.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { cases } from '../testing/cases.ts'
import { classOverheads, driftText } from './overhead-drift.ts'

const into = () => ({ unknown: [] })
const classOf = (name: string, memory?: string) =>
  RuntimeClass.decode(
    { metadata: { name }, handler: name, ...(memory === undefined ? {} : { overhead: { podFixed: { memory } } }) },
    into(),
  )
const podOf = (name: string, runtimeClassName?: string) =>
  Pod.decode({ metadata: { name, namespace: 'ns' }, spec: { containers: [{ name: 'c', image: 'i' }], runtimeClassName } }, into())
const metricsOf = (name: string, memory: string) =>
  PodMetrics.decode(
    {
      metadata: { name, namespace: 'ns', annotations: { [sandboxUsageAnnotation]: JSON.stringify({ cpu: '1m', memory }) } },
      ...{ timestamp: '2026-01-01T00:00:00Z', window: '10s', containers: [] },
    },
    into(),
  )

describe('drift of declared overhead', () => {
  const rows: { name: string; declared?: string; used: string[]; want: string | undefined }[] = [
    { name: 'close enough', declared: '44Mi', used: ['40Mi', '42Mi'], want: undefined },
    { name: 'a shim that nobody declares is not worth a word', used: ['4Mi', '5Mi'], want: undefined },
    { name: 'a sandbox that nobody declares', used: ['40Mi'], want: 'understated' },
    { name: 'more than a tenth over, and than 8Mi', declared: '100Mi', used: ['111Mi'], want: 'understated' },
    { name: 'a tenth over is within measure', declared: '100Mi', used: ['110Mi'], want: undefined },
    { name: '8Mi over are within measure', declared: '10Mi', used: ['18Mi'], want: undefined },
    { name: 'twice as much as needed', declared: '160Mi', used: ['79Mi', '79Mi'], want: 'overstated' },
    { name: 'prudence', declared: '160Mi', used: ['81Mi'], want: undefined },
    { name: 'little room lost', declared: '20Mi', used: ['4Mi'], want: undefined },
    { name: 'what was not measured', declared: '160Mi', used: ['0'], want: 'left out' },
    { name: 'no Pods', declared: '160Mi', used: [], want: 'left out' },
    { name: 'the mean of all, not the worst', declared: '40Mi', used: ['40Mi', '40Mi', '52Mi'], want: undefined },
  ]
  cases(
    rows.map((row) => ({ declared: undefined, ...row })),
    ({ declared, used, want }) => {
      const pods = used.map((_, i) => podOf(`p${i}`, 'kata'))
      const metrics = used.map((memory, i) => metricsOf(`p${i}`, memory))
      const others = [podOf('plain'), podOf('other', 'runc')]
      const found = classOverheads([classOf('kata', declared)], [...others, ...pods], [...metrics, metricsOf('plain', '1Gi')])
      assert.deepEqual(
        found.map(({ drift }) => drift),
        want === 'left out' ? [] : [want],
      )
    },
  )

  it('says what is declared, what is used, and what that means', () => {
    const classes = [classOf('gvisor'), classOf('kata', '1Gi')]
    const pods = [podOf('a', 'gvisor'), podOf('b', 'gvisor'), podOf('c', 'kata')]
    const found = classOverheads(classes, pods, [metricsOf('a', '40Mi'), metricsOf('b', '41Mi'), metricsOf('c', '120Mi')])
    assert.deepEqual(found.map(driftText), [
      'overhead declares no memory, sandboxes of 2 Pods use 41Mi on average (at most 41Mi): nodes are fuller than the scheduler thinks; see `polypod measure` (class gvisor)',
      'overhead declares 1Gi, sandboxes of 1 Pod use 120Mi on average (at most 120Mi): nodes could hold more; see `polypod measure` (class kata)',
    ])
    assert.deepEqual(found[0], {
      ...{ class: 'gvisor', pods: 2, declaredBytes: 0, meanBytes: 40.5 * 2 ** 20, maxBytes: 41 * 2 ** 20, drift: 'understated' },
    })
  })
})
