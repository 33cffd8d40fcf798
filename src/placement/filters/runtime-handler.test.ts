import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { decide, isPlaced } from '../decide.ts'
import { defaultProfile } from '../default-profile.ts'
import { failureText } from '../explain.ts'
import { nodeView } from '../node-view.ts'
import { podNeed } from '../pod-need.ts'
import type { HandlerReason } from '../reason.ts'
import { sampleNode, samplePod } from '../sample.ts'
import { upstreamProfile } from '../upstream-profile.ts'

interface Row {
  name: string
  /** Of the one node. */
  labels: Record<string, string>
  annotations?: Record<string, string>
  handlers?: readonly string[]
  runtimeClass?: string
  upstream?: boolean
  /** `placed`, or why not. */
  want: string
  reason?: HandlerReason
}

const key = (handler: string) => `handler.polypod.dev/${handler}`
const gone = 'crun: executable not found at /opt/crun'

describe('a handler that is offered', () => {
  const rows: Row[] = [
    { name: 'and proved is used', labels: { [key('crun')]: 'ready' }, runtimeClass: 'fast', want: 'placed' },
    {
      name: 'but broken is not, in words that say why',
      labels: { [key('crun')]: 'not-ready', [key('runc')]: 'ready' },
      annotations: { [key('crun')]: gone },
      runtimeClass: 'fast',
      want: `0/1 nodes are available: 1 node(s) where runtime handler "crun" is not ready (${gone}).`,
      reason: { handler: 'crun', runtimeClass: 'fast', unproved: { why: gone } },
    },
    {
      name: 'is waited for until its first proof ends',
      labels: { [key('crun')]: 'pending' },
      runtimeClass: 'fast',
      want: '0/1 nodes are available: 1 node(s) where runtime handler "crun" is not proved yet.',
      reason: { handler: 'crun', runtimeClass: 'fast', unproved: { why: undefined } },
    },
    { name: 'is trusted where nobody proves', labels: {}, runtimeClass: 'fast', want: 'placed' },
    {
      name: 'is trusted where a label says what we never say',
      labels: { [key('crun')]: 'maybe' },
      runtimeClass: 'fast',
      want: 'placed',
    },
    { name: 'keeps no Pod of another class away', labels: { [key('runc')]: 'not-ready' }, runtimeClass: 'fast', want: 'placed' },
    {
      name: 'but broken keeps Pods without a class away when it is the default',
      labels: { [key('runc')]: 'not-ready' },
      annotations: { [key('runc')]: 'no', 'polypod.dev/default-runtime-handler': 'runc' },
      want: '0/1 nodes are available: 1 node(s) where the default runtime handler is not ready (no).',
      reason: { handler: '', runtimeClass: '', unproved: { why: 'no' } },
    },
    {
      name: 'and not proved yet lets Pods without a class in',
      labels: { [key('runc')]: 'pending' },
      annotations: { 'polypod.dev/default-runtime-handler': 'runc' },
      want: 'placed',
    },
    {
      name: 'but broken lets Pods without a class in when it is not the default',
      labels: { [key('crun')]: 'not-ready' },
      annotations: { 'polypod.dev/default-runtime-handler': 'runc' },
      want: 'placed',
    },
    {
      name: 'no more counts as not offered, whatever an old label says',
      labels: { [key('crun')]: 'ready' },
      handlers: ['', 'runc'],
      runtimeClass: 'fast',
      want: '0/1 nodes are available: 1 node(s) do not offer runtime handler "crun" of RuntimeClass "fast".',
      reason: { handler: 'crun', runtimeClass: 'fast' },
    },
    {
      name: 'but broken is left to the kubelet in the upstream profile',
      labels: { [key('crun')]: 'not-ready' },
      runtimeClass: 'fast',
      upstream: true,
      want: 'placed',
    },
  ]
  const all = rows.map((row) => ({
    ...{ annotations: {}, handlers: ['', 'crun', 'runc'], runtimeClass: undefined, upstream: false, reason: undefined },
    ...row,
  }))
  cases(all, ({ labels, annotations, handlers, runtimeClass, upstream, want, reason }) => {
    const node = sampleNode('n', { labels, handlers })
    const view = nodeView({ ...node, metadata: { ...node.metadata, annotations } })
    const spec = runtimeClass === undefined ? {} : { runtimeClassName: runtimeClass }
    const classes = new Map([['fast', 'crun']])
    const profile = upstream ? upstreamProfile : defaultProfile
    const decision = decide(podNeed(samplePod('p', spec)), [view], profile, { classes, random: () => 0 })
    assert.equal(isPlaced(decision) ? 'placed' : failureText(decision), want)
    const [refusal] = isPlaced(decision) ? [] : decision.refusals
    assert.deepEqual(refusal?.reasons[0]?.handler, reason)
  })
})
