// Manifests that would not run, and most of which would not even be let in.
import { pod, requesting, runtimeClass, object, both, labelled, tainted, quota, type Situation } from './explain-parts.ts'

const full = quota({ 'requests.memory': '1Gi' })

/** Creates that would be refused. */
const creates: readonly Situation[] = [
  {
    name: 'a RuntimeClass that there is not, and one with nearly its name',
    objects: [runtimeClass('kata'), runtimeClass('runc')],
    pod: pod({ runtimeClassName: 'kta' }),
    want: {
      verdict: 'Refused',
      cause: ['RuntimeClass', 'pods "web" is forbidden: pod rejected: RuntimeClass "kta" not found'],
      change: 'set runtimeClassName to kata instead of kta',
    },
  },
  {
    name: 'overhead that its class has not',
    objects: [runtimeClass('kata')],
    pod: pod({ runtimeClassName: 'kata', overhead: { cpu: '1' } }),
    want: {
      verdict: 'Refused',
      cause: [
        'RuntimeClass',
        'pods "web" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
      ],
      change: 'remove overhead',
    },
  },
  {
    name: 'a nodeSelector that contradicts its class',
    objects: [runtimeClass('kata', { scheduling: { nodeSelector: { vm: 'yes' } } })],
    nodes: { 'node-2': labelled({ vm: 'yes' }) },
    pod: pod({ runtimeClassName: 'kata', nodeSelector: { vm: 'no' } }),
    want: {
      verdict: 'Refused',
      cause: [
        'RuntimeClass',
        'pods "web" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no',
      ],
      change: 'remove vm=no from nodeSelector',
    },
  },
  {
    name: 'a quota that is full',
    objects: [full],
    pod: pod(requesting({ memory: '1536Mi' })),
    want: {
      verdict: 'Refused',
      cause: [
        'Quota',
        'pods "web" is forbidden: exceeded quota: budget, requested: requests.memory=1536Mi, used: requests.memory=0, limited: requests.memory=1Gi',
      ],
      change: 'lower the memory request of container "main" from 1536Mi to 1Gi',
    },
  },
  {
    name: 'a quota that the overhead of its class breaks',
    objects: [full, runtimeClass('kata', { overhead: { podFixed: { memory: '600Mi' } } })],
    pod: pod({ runtimeClassName: 'kata', ...requesting({ memory: '500Mi' }) }),
    want: {
      verdict: 'Refused',
      cause: [
        'Quota',
        'pods "web" is forbidden: exceeded quota: budget, requested: requests.memory=1100Mi, used: requests.memory=0, limited: requests.memory=1Gi; of what it requests, memory 600Mi is overhead of RuntimeClass kata',
      ],
      change: 'lower the memory request of container "main" from 500Mi to 424Mi',
    },
  },
  {
    name: 'a quota on the number of Pods',
    objects: [quota({ pods: '0' })],
    pod: pod(),
    want: {
      verdict: 'Refused',
      cause: ['Quota', 'pods "web" is forbidden: exceeded quota: budget, requested: pods=1, used: pods=0, limited: pods=0'],
      change: 'raise quota budget: pods to 1',
    },
  },
  {
    name: 'a quota that demands requests',
    objects: [full],
    pod: pod(),
    want: {
      verdict: 'Refused',
      cause: ['Quota', 'pods "web" is forbidden: failed quota: budget: must specify requests.memory for: main'],
      change: 'give container "main" requests of memory 128Mi (or what it really needs)',
    },
  },
  {
    name: 'the maximum of a LimitRange',
    objects: [object('LimitRange', 'sane', { spec: { limits: [{ type: 'Container', max: { memory: '1Gi' } }] } })],
    pod: pod(requesting({ memory: '2Gi' }, { memory: '2Gi' })),
    want: {
      verdict: 'Refused',
      cause: ['LimitRange', 'pods "web" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'],
      change: 'give container "main" requests of memory 1Gi and limits of memory 1Gi',
    },
  },
  {
    name: 'a PriorityClass that there is not',
    objects: [{ kind: 'PriorityClass', metadata: { name: 'important' }, value: 1000 }],
    pod: pod({ priorityClassName: 'importnat' }),
    want: {
      verdict: 'Refused',
      cause: ['Priority', 'pods "web" is forbidden: no PriorityClass with name importnat was found'],
      change: 'use PriorityClass important instead of importnat',
    },
  },
  {
    name: 'a ServiceAccount that there is not',
    pod: pod({ serviceAccountName: 'robot' }),
    want: {
      verdict: 'Refused',
      cause: [
        'ServiceAccount',
        'pods "web" is forbidden: error looking up service account default/robot: serviceaccount "robot" not found',
      ],
      change: 'use ServiceAccount default instead of robot',
    },
  },
  {
    name: 'a namespace that there is not',
    pod: pod({}, { namespace: 'shop' }),
    want: { verdict: 'Refused', cause: ['Namespace', 'namespaces "shop" not found'], change: 'create Namespace shop' },
  },
  {
    name: 'a class that the namespace does not allow',
    objects: [
      runtimeClass('kata'),
      runtimeClass('runc'),
      object('Namespace', 'strict', {
        metadata: { name: 'strict', annotations: { 'polypod.dev/allowed-runtime-classes': 'kata' } },
      }),
    ],
    pod: pod({ runtimeClassName: 'runc' }, { namespace: 'strict' }),
    want: {
      verdict: 'Refused',
      cause: ['RuntimeClass', 'pods "web" is forbidden: '],
      change: 'set runtimeClassName to kata instead of runc',
    },
  },
  {
    name: 'a name that is taken',
    others: [pod()],
    pod: pod(),
    want: { verdict: 'Refused', cause: ['AlreadyExists', 'pods "web" already exists'], change: 'name it web-2' },
  },
  {
    name: 'a node that would refuse it',
    pod: pod({ nodeName: 'node-1', ...requesting({ cpu: '900' }) }),
    want: {
      verdict: 'Stuck',
      cause: [
        'OutOfcpu',
        "node node-1 would refuse it: Node didn't have enough resource: cpu, requested: 900000, used: 0, capacity: ",
      ],
      change: 'remove nodeName: node-1, and lower the cpu request of container "main" from 900 to ',
    },
  },
  {
    name: 'a node that there is not',
    pod: pod({ nodeName: 'node-9' }),
    want: { verdict: 'Stuck', cause: ['NodeGone', 'there is no node node-9'], change: 'remove nodeName: node-9' },
  },
  {
    name: 'what can be foreseen of a manifest that is let in',
    nodes: both(tainted),
    pod: pod({ volumes: [{ name: 'v', configMap: { name: 'texts' } }] }),
    want: {
      verdict: 'Waits',
      cause: ['TaintToleration', 'node-1, node-2: taint dedicated=gpu:NoSchedule is not tolerated'],
      change: 'tolerate the taint dedicated=gpu:NoSchedule, and create ConfigMap texts',
    },
  },
]

export const manifests = creates.map((one): Situation => ({ ...one, isManifest: true }))
