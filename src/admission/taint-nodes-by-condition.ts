// TaintNodesByCondition: a new node takes no Pods before it is known to be ready.
import { Node } from '../api/core/node.ts'
import type { Taint } from '../api/core/toleration.ts'
import { plugin } from './chain.ts'

const notReady: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }

export const taintNodesByCondition = plugin({
  name: 'TaintNodesByCondition',
  kind: Node,
  verbs: ['create'],
  mutate({ object }) {
    const taints = object.spec.taints ?? []
    if (taints.some(({ key, effect }) => key === notReady.key && effect === notReady.effect)) return object
    return { ...object, spec: { ...object.spec, taints: [...taints, notReady] } }
  },
})
