// Planted situations in which a Pod does not run: what is there, the Pod, its cause, and the first change that is told.

export interface Situation {
  name: string
  /** Created first, in this order, as `kind` says. */
  objects?: readonly Planted[]
  /** Merge patches of nodes, by name. */
  nodes?: Readonly<Record<string, object>>
  /** Deleted once the Pod is there. */
  gone?: { kind: string; name: string }
  /** Run before, and stay. */
  others?: readonly Planted[]
  pod: Planted
  /** Asked about, and not created. */
  isManifest?: true
  want: { verdict: string; cause: readonly [type: string, message: string]; change: string | undefined }
}

export interface Planted {
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  [field: string]: unknown
}

const simulated = 'simulated.polypod.dev'
const namespace = 'default'
const container = (more: object = {}) => ({ name: 'main', image: 'web:1', ...more })

const pod = (spec: object = {}, metadata: Partial<Planted['metadata']> = {}): Planted => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: { name: 'web', namespace, ...metadata },
  spec: { containers: [container()], ...spec },
})
const requesting = (requests: object, limits?: object) => ({
  containers: [container({ resources: { requests, ...(limits ? { limits } : {}) } })],
})
const runtimeClass = (name: string, more: object = {}): Planted => ({
  ...{ apiVersion: 'node.k8s.io/v1', kind: 'RuntimeClass', metadata: { name }, handler: name, ...more },
})
const object = (kind: string, name: string, more: object = {}): Planted => ({ kind, metadata: { name, namespace }, ...more })
const both = (patch: object) => ({ 'node-1': patch, 'node-2': patch })
const labelled = (labels: object) => ({ metadata: { labels } })
const tainted = { spec: { taints: [{ key: 'dedicated', value: 'gpu', effect: 'NoSchedule' }] } }
const quota = (hard: object) => object('ResourceQuota', 'budget', { spec: { hard } })
const web = { labels: { app: 'web' } }
const selector = { labelSelector: { matchLabels: { app: 'web' } } }
const apart = {
  affinity: {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [{ ...selector, topologyKey: 'kubernetes.io/hostname' }],
    },
  },
}
const onPort = { containers: [container({ ports: [{ containerPort: 80, hostPort: 8080 }] })] }
const spreadOver = (topologyKey: string) => ({
  topologySpreadConstraints: [{ ...selector, topologyKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' }],
})

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
    nodes: both(labelled({ 'handler.polypod.dev/kata': 'not-ready' })),
    pod: pod({ runtimeClassName: 'kata' }),
    want: {
      verdict: 'Waits',
      cause: ['RuntimeHandler', 'node-1, node-2: '],
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
