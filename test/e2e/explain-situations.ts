// Planted situations in which a Pod does not run: what is there, the Pod, its cause, and the first change that is told.
import {
  simulated,
  container,
  pod,
  requesting,
  runtimeClass,
  object,
  both,
  labelled,
  tainted,
  web,
  apart,
  onPort,
  spreadOver,
  type Situation,
} from './explain-parts.ts'

export const situations: readonly Situation[] = [
  {
    name: 'a nodeSelector that no node satisfies',
    nodes: both(labelled({ disk: 'hdd' })),
    pod: pod({ nodeSelector: { disk: 'ssd' } }),
    want: {
      verdict: 'Waits',
      cause: ['NodeAffinity', 'node-1, node-2: nodeSelector disk=ssd (from Pod): it has disk=hdd'],
      change: 'label node-1 with disk=ssd',
    },
  },
  {
    name: 'the nodeSelector of its RuntimeClass',
    objects: [runtimeClass('kata', { scheduling: { nodeSelector: { vm: 'yes' } } })],
    pod: pod({ runtimeClassName: 'kata' }),
    want: {
      verdict: 'Waits',
      cause: ['NodeAffinity', 'node-1, node-2: nodeSelector vm=yes (from RuntimeClass kata): it has no label vm'],
      change: 'label node-1 with vm=yes',
    },
  },
  {
    name: 'required node affinity',
    pod: pod({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['west', 'east'] }] }],
          },
        },
      },
    }),
    want: {
      verdict: 'Waits',
      cause: ['NodeAffinity', 'node-1, node-2: required node affinity (from Pod): zone In [west east]'],
      change: 'label node-1 with zone=west',
    },
  },
  {
    name: 'a taint',
    nodes: both(tainted),
    pod: pod(),
    want: {
      verdict: 'Waits',
      cause: ['TaintToleration', 'node-1, node-2: taint dedicated=gpu:NoSchedule is not tolerated'],
      change: 'tolerate the taint dedicated=gpu:NoSchedule',
    },
  },
  {
    name: 'cordoned nodes',
    nodes: both({ spec: { unschedulable: true } }),
    pod: pod(),
    want: {
      verdict: 'Waits',
      cause: ['NodeUnschedulable', 'node-1, node-2: cordoned: spec.unschedulable is true'],
      change: 'uncordon node-1',
    },
  },
  {
    name: 'a handler that no node has',
    objects: [runtimeClass('fire', { handler: 'firecracker' }), runtimeClass('kata')],
    pod: pod({ runtimeClassName: 'fire' }),
    want: {
      verdict: 'Waits',
      cause: ['RuntimeHandler', 'node-1, node-2: has no handler "firecracker" of RuntimeClass fire; it has kata, runc'],
      change: 'set runtimeClassName to kata instead of fire',
    },
  },
  {
    name: 'a handler that is not proved',
    objects: [runtimeClass('runc'), runtimeClass('kata')],
    nodes: both({
      metadata: {
        labels: { 'handler.polypod.dev/kata': 'not-ready' },
        annotations: { 'handler.polypod.dev/kata': 'no /dev/kvm' },
      },
    }),
    pod: pod({ runtimeClassName: 'kata' }),
    want: {
      verdict: 'Waits',
      cause: ['RuntimeHandler', 'node-1, node-2: runtime handler "kata" is not ready (no /dev/kvm)'],
      change: 'set runtimeClassName to runc instead of kata',
    },
  },
  {
    name: 'a RuntimeClass that was deleted after the Pod was created',
    objects: [runtimeClass('kata')],
    nodes: both({ spec: { unschedulable: true } }),
    gone: { kind: 'RuntimeClass', name: 'kata' },
    pod: pod({ runtimeClassName: 'kata' }),
    want: {
      verdict: 'Waits',
      cause: ['RuntimeHandler', 'RuntimeClass "kata" not found'],
      change: 'uncordon node-1, and create RuntimeClass kata with handler kata',
    },
  },
  {
    name: 'more memory than any node has',
    nodes: {},
    pod: pod(requesting({ memory: '4000Gi' })),
    want: {
      verdict: 'Waits',
      cause: ['NodeResourcesFit', 'node-1, node-2: memory: asks 4000Gi, '],
      change: 'lower the memory request of ',
    },
  },
  {
    name: 'overhead that is too much',
    objects: [runtimeClass('kata', { overhead: { podFixed: { memory: '4000Gi' } } }), runtimeClass('runc')],
    pod: pod({ runtimeClassName: 'kata', ...requesting({ memory: '10Mi' }) }),
    want: {
      verdict: 'Waits',
      cause: ['NodeResourcesFit', 'node-1, node-2: memory: asks 4096010Mi, '],
      change: 'set runtimeClassName to runc instead of kata',
    },
  },
  {
    name: 'a device that no node has',
    pod: pod(requesting({ 'example.com/gpu': '1' }, { 'example.com/gpu': '1' })),
    want: {
      verdict: 'Waits',
      cause: ['NodeResourcesFit', 'node-1, node-2: example.com/gpu: asks 1, 0 of 0 free'],
      change: 'lower example.com/gpu of container "main" to nothing',
    },
  },
  {
    name: 'a host port that is taken',
    others: [pod(onPort, { name: 'a' }), pod(onPort, { name: 'b' })],
    pod: pod(onPort),
    want: {
      verdict: 'Waits',
      cause: ['NodePorts', 'node-1: host port TCP/8080 is taken by default/'],
      change: 'use hostPort 8081 instead of 8080 of container "main"',
    },
  },
  {
    name: 'anti-affinity to a Pod that is everywhere',
    nodes: { 'node-2': { spec: { unschedulable: true } } },
    others: [pod({ nodeName: 'node-1' }, { name: 'a', ...web })],
    pod: pod(apart),
    want: {
      verdict: 'Waits',
      cause: ['InterPodAffinity', "node-1: didn't match pod anti-affinity rules: default/a is there"],
      change: 'uncordon node-2',
    },
  },
  {
    name: 'the anti-affinity of Pods that are everywhere',
    others: [pod(apart, { name: 'a', ...web }), pod(apart, { name: 'b', ...web })],
    pod: pod({}, web),
    want: {
      verdict: 'Waits',
      cause: ['InterPodAffinity', "node-1: didn't satisfy existing pods anti-affinity rules: those of default/"],
      change: undefined,
    },
  },
  {
    name: 'affinity to a Pod that is nowhere',
    pod: pod({
      affinity: {
        podAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: [
            { labelSelector: { matchLabels: { app: 'db' } }, topologyKey: 'kubernetes.io/hostname' },
          ],
        },
      },
    }),
    want: {
      verdict: 'Waits',
      cause: ['InterPodAffinity', "node-1, node-2: didn't match pod affinity rules"],
      change: 'make podAffinity to Pods with app=db by kubernetes.io/hostname preferred, not required',
    },
  },
  {
    name: 'topology spread',
    nodes: { 'node-1': labelled({ zone: 'a' }), 'node-2': { ...labelled({ zone: 'b' }), spec: { unschedulable: true } } },
    others: [pod({ nodeName: 'node-1' }, { name: 'a', ...web })],
    pod: pod(spreadOver('zone'), web),
    want: {
      verdict: 'Waits',
      cause: ['PodTopologySpread', "node-1: didn't match pod topology spread constraints: maxSkew 1 over zone=a"],
      change: 'uncordon node-2',
    },
  },
  {
    name: 'a spread over a label that nodes have not',
    pod: pod(spreadOver('zone'), web),
    want: {
      verdict: 'Waits',
      cause: ['PodTopologySpread', 'node-1, node-2: has no label zone, over which the Pod is spread'],
      change: 'label node-1 with zone=node-1',
    },
  },
  {
    name: 'a scheduling gate',
    pod: pod({ schedulingGates: [{ name: 'example.com/paid' }] }),
    want: {
      verdict: 'Waits',
      cause: ['SchedulingGates', 'it is gated by example.com/paid: no scheduler looks at it'],
      change: 'remove the scheduling gate example.com/paid',
    },
  },
  {
    name: 'a scheduler that nobody runs',
    pod: pod({ schedulerName: 'my-scheduler' }),
    want: {
      verdict: 'Waits',
      cause: ['SchedulerName', 'it waits for scheduler "my-scheduler"; the one here is "default-scheduler"'],
      change: 'set schedulerName to default-scheduler instead of my-scheduler',
    },
  },
  {
    name: 'a ConfigMap that is missing',
    pod: pod({
      containers: [container({ env: [{ name: 'HI', valueFrom: { configMapKeyRef: { name: 'texts', key: 'hi' } } }] })],
    }),
    want: {
      verdict: 'Stuck',
      cause: ['ConfigMap', 'there is no ConfigMap texts in namespace default, which env HI of container "main" wants'],
      change: 'create ConfigMap texts with hi',
    },
  },
  {
    name: 'a Secret that is missing, and one with nearly its name',
    objects: [object('Secret', 'web-cert', { data: {} })],
    pod: pod({ volumes: [{ name: 'certs', secret: { secretName: 'web-certs' } }] }),
    want: {
      verdict: 'Stuck',
      cause: ['Secret', 'there is no Secret web-certs in namespace default, which volume "certs" wants'],
      change: 'create Secret web-certs',
    },
  },
  {
    name: 'a key that a ConfigMap has not',
    objects: [object('ConfigMap', 'texts', { data: { bye: 'b' } })],
    pod: pod({ volumes: [{ name: 'v', configMap: { name: 'texts', items: [{ key: 'hi', path: 'hi' }] } }] }),
    want: {
      verdict: 'Stuck',
      cause: ['ConfigMap', 'ConfigMap texts has no hi in namespace default, which volume "v" wants'],
      change: 'add hi to ConfigMap texts',
    },
  },
  {
    name: 'a volume of a kind that nobody here mounts',
    pod: pod({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] }),
    want: {
      verdict: 'Stuck',
      cause: ['Volume', 'volume "data" is a persistentVolumeClaim, which no node here can mount'],
      change: 'make volume "data" an emptyDir instead of a persistentVolumeClaim',
    },
  },
  {
    name: 'an image that cannot be pulled',
    others: [pod({}, { name: 'good' })],
    pod: pod({ containers: [container({ image: 'web:missing' })] }),
    want: {
      verdict: 'Stuck',
      cause: ['Image', 'image of container "main": '],
      change: 'use image web:1, which runs in this cluster, instead of web:missing',
    },
  },
  {
    name: 'an image that may not be pulled',
    pod: pod({ containers: [container({ imagePullPolicy: 'Never' })] }),
    want: {
      verdict: 'Stuck',
      cause: [
        'Image',
        'image of container "main": ErrImageNeverPull: Container image "web:1" is not present with pull policy of Never',
      ],
      change: 'set imagePullPolicy of container "main" to IfNotPresent',
    },
  },
  {
    name: 'a sandbox that its runtime cannot make',
    objects: [runtimeClass('kata'), runtimeClass('runc')],
    pod: pod({ runtimeClassName: 'kata' }, { annotations: { [`${simulated}/fail-sandbox.kata`]: 'no /dev/kvm here' } }),
    want: {
      verdict: 'Stuck',
      cause: ['Sandbox', 'its sandbox cannot be made on node-'],
      change: 'set runtimeClassName to runc instead of kata',
    },
  },
  {
    name: 'a container that crashes',
    pod: pod({}, { annotations: { [`${simulated}/exit-code`]: '3' } }),
    want: {
      verdict: 'Stuck',
      cause: ['CrashLoop', 'container "main" ends again and again: Error, exit code 3; restarted '],
      change: undefined,
    },
  },
  {
    name: 'a readiness probe that fails',
    pod: pod(
      { containers: [container({ readinessProbe: { httpGet: { port: 80 }, periodSeconds: 1 } })] },
      { annotations: { [`${simulated}/probe-status`]: '503' } },
    ),
    want: {
      verdict: 'Stuck',
      cause: ['NotReady', 'container "main" runs and is not ready: '],
      change: undefined,
    },
  },
  {
    name: 'a readiness gate',
    pod: pod({ readinessGates: [{ conditionType: 'example.com/warm' }] }),
    want: { verdict: 'Stuck', cause: ['NotReady', 'readiness gate "example.com/warm" is not True'], change: undefined },
  },
  {
    name: 'a node that refused it',
    pod: pod({ nodeName: 'node-1', ...requesting({ cpu: '900' }) }),
    want: {
      verdict: 'Ended',
      cause: ['Failed', "it has failed: OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 900000"],
      change: 'make the Pod anew, and lower the cpu request of container "main" from 900 to ',
    },
  },
  {
    name: 'two things at once',
    nodes: both(tainted),
    pod: pod({ nodeSelector: { disk: 'ssd' } }),
    want: {
      verdict: 'Waits',
      cause: ['TaintToleration', 'node-1, node-2: taint dedicated=gpu:NoSchedule is not tolerated'],
      change: 'tolerate the taint dedicated=gpu:NoSchedule, and label node-1 with disk=ssd',
    },
  },
]
