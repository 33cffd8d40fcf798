import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Node } from '../api/core/node.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { HandlerMeasurement } from '../api/polypod/handler-measurement.ts'
import { sampleNode } from '../placement/sample.ts'
import { cases } from '../testing/cases.ts'
import { type ClassWorld, classPlans, isProving } from './class-plan.ts'

const node = (name: string, states: Record<string, string>, more: readonly string[] = []): Node => {
  const labels = Object.fromEntries(Object.entries(states).map(([handler, state]) => [`handler.polypod.dev/${handler}`, state]))
  const made = sampleNode(name, { labels, handlers: ['', ...Object.keys(states), ...more] })
  return { ...made, metadata: { ...made.metadata, annotations: { 'handler.polypod.dev/crun': 'crun: executable not found' } } }
}
const classOf = (name: string, handler: string): RuntimeClass =>
  RuntimeClass.decode({ metadata: { name }, handler, overhead: { podFixed: { cpu: '1' } } }, { unknown: [] })
const measured = (nodeName: string, handler: string, podFixed: Record<string, string>): HandlerMeasurement =>
  HandlerMeasurement.decode(
    {
      metadata: { name: `${nodeName}.${handler}`, namespace: 'polypod-system' },
      spec: { nodeName, handler },
      status: { recommended: { podFixed, reasons: [] } },
    },
    { unknown: [] },
  )
const made = (fields: object) => ({
  ...{ kind: 'RuntimeClass', apiVersion: 'node.k8s.io/v1', handler: 'crun' },
  metadata: { name: 'crun', labels: { 'app.kubernetes.io/managed-by': 'polypod' } },
  ...fields,
})

interface Row extends Partial<ClassWorld> {
  name: string
  nodes: readonly Node[]
  want: [note: string, make?: object]
}

describe('the RuntimeClass of a handler', () => {
  const proved = [node('a', { crun: 'ready' })]
  const unmeasured = 'overhead not measured: see polypod measure'
  const rows: Row[] = [
    { name: 'is made where it was proved', nodes: proved, want: [`proved on 1 of 1 node; ${unmeasured}`, made({})] },
    {
      name: 'is made when nobody proves',
      nodes: [node('a', {}, ['crun'])],
      want: [`proved on 1 of 1 node; ${unmeasured}`, made({})],
    },
    {
      name: 'is made when some node has proved it',
      nodes: [...proved, node('b', { crun: 'not-ready' }), node('c', {})],
      want: [`proved on 1 of 3 nodes; ${unmeasured}`, made({})],
    },
    {
      name: 'selects its nodes when that is wanted',
      nodes: proved,
      select: true,
      want: [
        `proved on 1 of 1 node; ${unmeasured}`,
        made({ scheduling: { nodeSelector: { 'handler.polypod.dev/crun': 'ready' } } }),
      ],
    },
    {
      name: 'declares the most that was measured on any node',
      nodes: proved,
      measurements: [
        measured('a', 'crun', { cpu: '10m', memory: '9Mi' }),
        measured('b', 'crun', { cpu: '20m', memory: '8Mi' }),
        measured('a', 'kata', { cpu: '4', memory: '1Gi' }),
      ],
      want: [
        'proved on 1 of 1 node; overhead measured: polypod-system/a.crun, polypod-system/b.crun',
        made({
          metadata: {
            name: 'crun',
            labels: { 'app.kubernetes.io/managed-by': 'polypod' },
            annotations: { 'polypod.dev/overhead-measured-by': 'polypod-system/a.crun, polypod-system/b.crun' },
          },
          overhead: { podFixed: { cpu: '20m', memory: '9Mi' } },
        }),
      ],
    },
    {
      name: 'is not made where one names the handler',
      nodes: proved,
      classes: [classOf('fast', 'crun')],
      want: ['RuntimeClass fast names it already'],
    },
    {
      name: 'never takes the place of one that means something else',
      nodes: proved,
      classes: [classOf('crun', 'runc')],
      want: ['RuntimeClass crun is there and means handler runc'],
    },
    {
      name: 'is not made where nothing works, and says why',
      nodes: [node('a', { crun: 'not-ready' }), node('b', { crun: 'pending' })],
      want: ['node a: crun: executable not found; node b: not proved yet'],
    },
  ]
  cases(
    rows.map((row) => ({ classes: [], measurements: [], select: false, ...row })),
    ({ nodes, classes, measurements, select, want: [note, make] }) => {
      const plans = JSON.parse(JSON.stringify(classPlans({ nodes, classes, measurements, select }))) as unknown
      assert.deepEqual(plans, [{ handler: 'crun', ...(make ? { make } : {}), note }])
    },
  )

  it('cannot be called what no RuntimeClass may say', () => {
    const [plan] = classPlans({ nodes: [node('a', {}, ['My_Own'])], classes: [], measurements: [], select: false })
    assert.deepEqual(plan, { handler: 'My_Own', note: 'no RuntimeClass can say this name' })
  })

  it('can wait for proofs that are under way', () => {
    assert.deepEqual([[node('a', { crun: 'pending' })], proved, [node('a', {}, ['crun'])]].map(isProving), [true, false, false])
  })
})
