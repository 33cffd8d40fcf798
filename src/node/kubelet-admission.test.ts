import assert from 'node:assert/strict'
import { it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { kubeletAdmission } from './kubelet-admission.ts'
import { samplePod } from './sample-pod.ts'

const node = (labels: Record<string, string> = {}): Node => {
  const allocatable = { cpu: '1', memory: '1Gi', pods: '2' }
  return Node.decode({ metadata: { name: 'n', labels }, status: { capacity: allocatable, allocatable } }, { unknown: [] })
}
const pod = (uid: string, spec: Record<string, unknown> = {}, status: Record<string, unknown> = {}) =>
  samplePod({ nodeName: 'n', ...spec }, { uid, name: uid }, status)
const asking = (cpu: string) => ({ containers: [{ name: 'a', image: 'b', resources: { requests: { cpu } } }] })

it('counts what it lets in, until that leaves', async () => {
  const admission = kubeletAdmission(
    () => node(),
    async () => node(),
  )
  assert.equal(await admission.admit(pod('one', asking('600m'))), undefined)
  const refused = await admission.admit(pod('two', { ...asking('300m'), overhead: { cpu: '200m' } }))
  assert.deepEqual(
    [refused?.reason, refused?.message],
    ['OutOfcpu', "Node didn't have enough resource: cpu, requested: 500, used: 600, capacity: 1000"],
  )
  admission.leave('one')
  assert.equal(await admission.admit(pod('two', { ...asking('300m'), overhead: { cpu: '200m' } })), undefined)
  assert.deepEqual(admission.counts(), {
    ...{ node: 'n', requested: { cpu: 500 } },
    pods: { two: { name: 'Pod default/two', requested: { cpu: 500 } } },
  })
})

it('never refuses what ran before the kubelet started, and counts it', async () => {
  const admission = kubeletAdmission(
    () => node(),
    async () => node(),
  )
  assert.equal(await admission.admit(pod('big', asking('5'), { startTime: '2026-01-01T00:00:00Z' })), undefined)
  assert.equal((await admission.admit(pod('small', asking('1m'))))?.reason, 'OutOfcpu')
})

it('reads the node again before it refuses a Pod for its labels', async () => {
  let reads = 0
  const selects = { nodeSelector: { disk: 'ssd' } }
  const admission = kubeletAdmission(
    () => node(),
    async () => {
      reads += 1
      return node(reads === 1 ? { disk: 'ssd' } : {})
    },
  )
  assert.equal(await admission.admit(pod('one', selects)), undefined)
  assert.equal((await admission.admit(pod('two', selects)))?.reason, 'NodeAffinity')
  assert.equal(reads, 2)
})

it('ends others for a critical Pod, where that lets it in', async () => {
  const ended: string[][] = []
  const admission = kubeletAdmission(
    () => node(),
    async () => node(),
    async (victims) => {
      ended.push(victims.map(({ metadata }) => metadata.name))
      for (const { metadata } of victims) admission.leave(metadata.uid ?? '')
    },
  )
  const critical = { priority: 2_000_000_000 }
  await admission.admit(pod('small', asking('300m')))
  await admission.admit(pod('large', asking('600m')))
  assert.equal((await admission.admit(pod('plain', asking('500m'))))?.reason, 'OutOfpods')
  // there is a place for two Pods only, and 100m: one Pod has to go, and it has to be the large one
  assert.equal(await admission.admit(pod('first', { ...asking('500m'), ...critical })), undefined)
  assert.deepEqual(ended, [['large']])
  assert.equal((await admission.admit(pod('second', { ...asking('900m'), ...critical })))?.reason, 'OutOfpods')
  const elsewhere = { ...asking('600m'), ...critical, nodeSelector: { disk: 'ssd' } }
  assert.notEqual(await admission.admit(pod('third', elsewhere)), undefined)
  assert.equal(ended.length, 1)
})
