import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { sampleNode } from '../placement/sample.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import { parseConfigFile } from '../containerd/config-tree.ts'
import { effectiveConfig } from '../containerd/effective-config.ts'
import { cases } from '../testing/cases.ts'
import { classFindings } from './containerd-classes.ts'

const table = 'plugins."io.containerd.cri.v1.runtime".containerd.runtimes'
const config = effectiveConfig([
  parseConfigFile('c', `version = 3\n[${table}.runc]\n[${table}.kata]\nruntime_type = "io.containerd.kata.v2"\n`),
])

const rc = (handler: string, scheduling?: RuntimeClass['scheduling']): RuntimeClass => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name: 'c' }, handler, scheduling },
})
const big = { nodeSelector: { size: 'big' } }
const taints = [{ key: 'vm', effect: 'NoSchedule' as const }]
const kata = rc('kata', big)

describe('a configuration against a cluster', () => {
  cases(
    [
      {
        name: 'all is well',
        classes: [kata],
        nodes: [
          sampleNode('a', { labels: { size: 'big' }, handlers: ['runc', 'kata'] }),
          sampleNode('b', { handlers: ['runc'] }),
        ],
        want: [],
      },
      { name: 'nobody has the handler', classes: [rc('gone'), kata], nodes: [], want: ['error class-without-handler c'] },
      {
        name: 'another node has it',
        classes: [rc('other', big), kata],
        nodes: [sampleNode('a', { labels: { size: 'big' }, handlers: ['other', 'kata'] })],
        want: [],
      },
      {
        name: 'a handler without a class; the default needs none',
        classes: [],
        nodes: [],
        want: ['note handler-without-class kata'],
      },
      {
        name: 'scheduling selects only nodes without it',
        classes: [kata],
        nodes: [sampleNode('a', { handlers: ['kata'] }), sampleNode('b', { labels: { size: 'big' }, handlers: ['runc'] })],
        want: ['error class-selects-no-handler c'],
      },
      {
        name: 'scheduling selects nodes with and without it',
        classes: [rc('kata')],
        nodes: [sampleNode('a', { handlers: ['kata'] }), sampleNode('b', { handlers: ['runc'] })],
        want: ['warning class-selects-without-handler c'],
      },
      {
        name: 'no node tells, and none is selected',
        classes: [kata],
        nodes: [sampleNode('a')],
        want: ['error class-selects-no-handler c'],
      },
      {
        name: 'no node tells, and one is selected',
        classes: [kata],
        nodes: [sampleNode('a', { labels: { size: 'big' } })],
        want: [],
      },
      {
        name: 'a taint bars all of them',
        classes: [rc('kata')],
        nodes: [sampleNode('a', { handlers: ['kata'], spec: { taints } })],
        want: ['warning class-tolerates-no-handler c'],
      },
      {
        name: 'a tolerated taint',
        classes: [rc('kata', { tolerations: [{ key: 'vm', operator: 'Exists' }] })],
        nodes: [sampleNode('a', { handlers: ['kata'], spec: { taints } })],
        want: [],
      },
    ],
    ({ classes, nodes, want }) => {
      assert.deepEqual(
        classFindings(config, { classes, nodes }).map(({ severity, code, about }) => `${severity} ${code} ${about}`),
        want,
      )
    },
  )
})
