// DefaultTolerationSeconds: a Pod stays five minutes on a node that is not ready or not reachable.
import { Pod } from '../api/core/pod.ts'
import type { Toleration } from '../api/core/toleration.ts'
import { plugin } from './chain.ts'

const keys = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable']
const tolerationSeconds = 300

export const defaultTolerationSeconds = plugin({
  name: 'DefaultTolerationSeconds',
  kind: Pod,
  verbs: ['create', 'update'],
  mutate({ object }) {
    const present = object.spec.tolerations ?? []
    const added = keys
      .filter((key) => !present.some((toleration) => covers(toleration, key)))
      .map((key): Toleration => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds }))
    return added.length === 0 ? object : { ...object, spec: { ...object.spec, tolerations: [...present, ...added] } }
  },
})

/** k8s: by key and effect alone; the operator is not looked at. */
const covers = ({ key = '', effect = '' }: Toleration, wanted: string): boolean =>
  (key === '' || key === wanted) && (effect === '' || effect === 'NoExecute')
