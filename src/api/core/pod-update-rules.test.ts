import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { fieldErrorText } from '../field-error.ts'
import { validateUpdate } from '../validate.ts'
import { Pod } from './pod.ts'

type Json = Record<string, unknown>
const podOf = (spec: Json, status: Json = {}) =>
  Pod.decode({ metadata: { name: 'web' }, spec: { containers: [{ name: 'a', image: 'i' }], ...spec }, status }, { unknown: [] })
const texts = (old: Json, next: Json) => validateUpdate(Pod, podOf(next), podOf(old)).map(fieldErrorText)

const generic =
  'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n'
const image = (name: string, more: Json = {}) => ({
  containers: [{ name: 'a', image: name, imagePullPolicy: 'Always', ...more }],
})
const t1 = { key: 'a', operator: 'Exists' }
const gates = { schedulingGates: [{ name: 'a/b' }] }

describe('podUpdateErrors', () => {
  const rows: { name: string; old: Json; next: Json; want: string[] }[] = [
    { name: 'nothing', old: {}, next: {}, want: [] },
    { name: 'an image', old: image('a'), next: image('b'), want: [] },
    {
      name: 'another spelling of an amount',
      old: image('a', { resources: { limits: { memory: '1Ki' } } }),
      next: image('a', { resources: { limits: { memory: '1024' } } }),
      want: [],
    },
    { name: 'a shorter deadline', old: { activeDeadlineSeconds: 9 }, next: { activeDeadlineSeconds: 8 }, want: [] },
    { name: 'a deadline where none was', old: {}, next: { activeDeadlineSeconds: 8 }, want: [] },
    {
      name: 'a longer deadline',
      old: { activeDeadlineSeconds: 8 },
      next: { activeDeadlineSeconds: 9 },
      want: ['spec.activeDeadlineSeconds: Invalid value: 9: must be less than or equal to previous value'],
    },
    {
      name: 'a deadline taken away',
      old: { activeDeadlineSeconds: 8 },
      next: {},
      want: ['spec.activeDeadlineSeconds: Invalid value: "null": must not update from a positive integer to nil value'],
    },
    { name: 'one more toleration', old: { tolerations: [t1] }, next: { tolerations: [t1, { operator: 'Exists' }] }, want: [] },
    {
      name: 'one toleration less',
      old: { tolerations: [t1] },
      next: {},
      want: ['spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds'],
    },
    { name: 'one gate less', old: gates, next: {}, want: [] },
    {
      name: 'one gate more',
      old: {},
      next: gates,
      want: [`spec.schedulingGates[0]: Forbidden: only deletion is allowed, but found new scheduling gate 'a/b'`],
    },
    {
      name: 'a negative grace period to 1',
      old: { terminationGracePeriodSeconds: -1 },
      next: { terminationGracePeriodSeconds: 1 },
      want: [],
    },
    {
      name: 'a container more',
      old: {},
      next: { containers: ['a', 'b'].map((name) => ({ name, image: 'i' })) },
      want: ['spec.containers: Forbidden: pod updates may not add or remove containers'],
    },
    { name: 'a node selector while gated', old: gates, next: { ...gates, nodeSelector: { a: 'b' } }, want: [] },
    {
      name: 'a changed node selector while gated',
      old: { ...gates, nodeSelector: { a: 'b' } },
      next: { ...gates, nodeSelector: { a: 'c' } },
      want: ['spec.nodeSelector: Invalid value: {"a":"c"}: only additions are allowed'],
    },
    {
      name: 'another class of service, reported at metadata',
      old: image('a'),
      next: image('a', { resources: { requests: { cpu: '1' } } }),
      want: [
        'metadata: Invalid value: "BestEffort": Pod QoS is immutable',
        `${generic}  core.PodSpec{\n  \t... // other fields\n- \tContainers: [{"name":"a","image":"a","resources":{"requests":{"cpu":"1"}},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}],\n+ \tContainers: [{"name":"a","image":"a","resources":{},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"Always"}],\n  }\n`,
      ],
    },
    {
      name: 'runtimeClassName, by the generic rule',
      old: { runtimeClassName: 'a' },
      next: { runtimeClassName: 'b' },
      want: [`${generic}  core.PodSpec{\n  \t... // other fields\n- \tRuntimeClassName: "b",\n+ \tRuntimeClassName: "a",\n  }\n`],
    },
    {
      name: 'overhead, by the generic rule',
      old: {},
      next: { overhead: { cpu: '1' } },
      want: [`${generic}  core.PodSpec{\n  \t... // other fields\n- \tOverhead: {"cpu":"1"},\n+ \tOverhead: null,\n  }\n`],
    },
    {
      name: 'a node selector without gates, by the generic rule',
      old: {},
      next: { nodeSelector: { a: 'b' } },
      want: [`${generic}  core.PodSpec{\n  \t... // other fields\n- \tNodeSelector: {"a":"b"},\n+ \tNodeSelector: null,\n  }\n`],
    },
  ]
  cases(rows, ({ old, next, want }) => assert.deepEqual(texts(old, next), want))

  it('keeps the node affinity of a gated Pod narrow', () => {
    const where = (...values: string[][]) => ({
      ...gates,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: values.map((v) => ({ key: 'a', operator: 'In', values: v })) }],
          },
        },
      },
    })
    assert.deepEqual(texts(where(['x']), where(['x'], ['y'])), [])
    assert.deepEqual(texts(where(['x']), where(['y'])).length, 1)
  })
})

describe('podStatusErrors', () => {
  const ended = { name: 'a', ready: false, restartCount: 0, image: '', imageID: '', state: { terminated: { exitCode: 0 } } }
  const running = { ...ended, state: { running: {} } }
  const rows: { name: string; spec: Json; old: Json; next: Json; want: string[] }[] = [
    {
      name: 'progress',
      spec: {},
      old: { phase: 'Pending' },
      next: { phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }] },
      want: [],
    },
    {
      name: 'another class of service',
      spec: {},
      old: { qosClass: 'Burstable' },
      next: { qosClass: 'Guaranteed' },
      want: ['status.qosClass: Invalid value: "Guaranteed": field is immutable'],
    },
    {
      name: 'a container that never restarts runs again',
      spec: { restartPolicy: 'Never' },
      old: { containerStatuses: [ended] },
      next: { containerStatuses: [running] },
      want: ['status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state'],
    },
    {
      name: 'a container that always restarts runs again',
      spec: {},
      old: { containerStatuses: [ended] },
      next: { containerStatuses: [running] },
      want: [],
    },
    {
      name: 'an address that is none',
      spec: {},
      old: {},
      next: { podIPs: [{ ip: 'x' }] },
      want: ['status.podIPs[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
    },
  ]
  cases(rows, ({ spec, old, next, want }) =>
    assert.deepEqual(validateUpdate(Pod, podOf(spec, next), podOf(spec, old), 'status').map(fieldErrorText), want),
  )
})
