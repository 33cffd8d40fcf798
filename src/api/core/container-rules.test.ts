import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { dnsLabelFault as label, oneContainer as one, podFaults } from '../../testing/pod-faults.ts'

type Json = Record<string, unknown>
const init = (container: Json) => ({ initContainers: [{ name: 'b', image: 'i', ...container }] })
const portText = 'must be between 1 and 65535, inclusive'

interface Row {
  name: string
  spec: Json
  want: string[]
}
const check = ({ spec, want }: Row) => assert.deepEqual(podFaults(spec), want)

describe('containers', () => {
  const rows: Row[] = [
    { name: 'the smallest Pod is legal', spec: {}, want: [] },
    { name: 'one container at least', spec: { containers: [] }, want: ['spec.containers: Required value'] },
    { name: 'a name', spec: one({ name: '' }), want: ['spec.containers[0].name: Required value'] },
    { name: 'a name is a DNS label', spec: one({ name: 'A' }), want: [`spec.containers[0].name: Invalid value: "A": ${label}`] },
    { name: 'an image', spec: one({ image: '' }), want: ['spec.containers[0].image: Required value'] },
    {
      name: 'no blanks around an image',
      spec: one({ image: ' i' }),
      want: ['spec.containers[0].image: Invalid value: " i": must not have leading or trailing whitespace'],
    },
    {
      name: 'names are unique among containers and init containers',
      spec: { ...one({}), ...init({ name: 'a' }) },
      want: ['spec.initContainers[0].name: Duplicate value: "a"'],
    },
    {
      name: 'only init containers may restart by themselves',
      spec: one({ restartPolicy: 'Always' }),
      want: ['spec.containers[0].restartPolicy: Forbidden: may not be set for non-init containers'],
    },
    {
      name: 'a sidecar may have probes and hooks',
      spec: init({ restartPolicy: 'Always', livenessProbe: { tcpSocket: { port: 1 } } }),
      want: [],
    },
    {
      name: 'an init container may not be probed',
      spec: init({ livenessProbe: { tcpSocket: { port: 1 } } }),
      want: ['spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always'],
    },
    {
      name: 'a sidecar says Always',
      spec: init({ restartPolicy: 'Never' }),
      want: ['spec.initContainers[0].restartPolicy: Unsupported value: "Never": supported values: "Always"'],
    },
    {
      name: 'ephemeral containers come later',
      spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] },
      want: ['spec.ephemeralContainers: Forbidden: cannot be set on create'],
    },
    {
      name: 'ephemeral containers are plain',
      spec: {
        volumes: [{ name: 'v' }],
        ephemeralContainers: [
          {
            ...{ name: 'a', image: 'i', targetContainerName: 'x', ports: [{ containerPort: 1 }] },
            ...{ resources: { limits: { cpu: '1' } }, volumeMounts: [{ name: 'v', mountPath: '/v', subPath: 's' }] },
          },
        ],
      },
      want: [
        'spec.ephemeralContainers[0].name: Duplicate value: "a"',
        'spec.ephemeralContainers[0].targetContainerName: Not found: "x"',
        'spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container',
        'spec.ephemeralContainers[0].resources: Forbidden: cannot be set for an Ephemeral Container',
        'spec.ephemeralContainers[0].volumeMounts[0].subPath: Forbidden: cannot be set for an Ephemeral Container',
        'spec.ephemeralContainers: Forbidden: cannot be set on create',
      ],
    },
    {
      name: 'a pull policy is one of three',
      spec: one({ imagePullPolicy: 'Sometimes' }),
      want: [
        'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
      ],
    },
    {
      name: 'ports',
      spec: one({
        ports: [{ containerPort: 0 }, { containerPort: 70_000 }, { containerPort: 1, hostPort: 70_000, name: 'HTTP' }],
      }),
      want: [
        'spec.containers[0].ports[0].containerPort: Required value',
        `spec.containers[0].ports[1].containerPort: Invalid value: 70000: ${portText}`,
        'spec.containers[0].ports[2].name: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
        'spec.containers[0].ports[2].name: Invalid value: "HTTP": must contain at least one letter (a-z)',
        `spec.containers[0].ports[2].hostPort: Invalid value: 70000: ${portText}`,
      ],
    },
    {
      name: 'a port name is used once',
      spec: one({
        ports: [
          { containerPort: 1, name: 'a' },
          { containerPort: 2, name: 'a' },
        ],
      }),
      want: ['spec.containers[0].ports[1].name: Duplicate value: "a"'],
    },
    {
      name: 'a host port is used once, whichever container it is',
      spec: { containers: ['a', 'b'].map((name) => ({ name, image: 'i', ports: [{ containerPort: 80, hostPort: 80 }] })) },
      want: ['spec.containers[1].ports[0].hostPort: Duplicate value: "TCP//80"'],
    },
    {
      name: 'on the host a port is the host port',
      spec: one({ ports: [{ containerPort: 80, hostPort: 81 }] }, { hostNetwork: true }),
      want: ['spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true'],
    },
    {
      name: 'requests stay within limits',
      spec: one({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      want: ['spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1'],
    },
    {
      name: 'extended resources need equal limits',
      spec: one({ resources: { requests: { 'example.com/gpu': '1' } } }),
      want: ['spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources'],
    },
    {
      name: 'huge pages need equal limits',
      spec: one({ resources: { requests: { 'hugepages-2Mi': '2Mi', cpu: '1' }, limits: { 'hugepages-2Mi': '4Mi' } } }),
      want: ['spec.containers[0].resources.requests: Invalid value: "2Mi": must be equal to hugepages-2Mi limit of 4Mi'],
    },
    {
      name: 'privilege and no escalation',
      spec: one({ securityContext: { privileged: true, allowPrivilegeEscalation: false, runAsUser: -1 } }),
      want: [
        'spec.containers[0].securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, inclusive',
        'spec.containers[0].securityContext: Invalid value: {"runAsUser":-1,"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
      ],
    },
  ]
  cases(rows, check)
})

describe('environment', () => {
  const env = (...variables: Json[]) => one({ env: variables })
  const rows: Row[] = [
    { name: 'a name', spec: env({ name: '' }), want: ['spec.containers[0].env[0].name: Required value'] },
    {
      name: 'no equal sign in a name',
      spec: env({ name: 'a=b' }),
      want: [
        `spec.containers[0].env[0].name: Invalid value: "a=b": a valid environment variable name must consist only of printable ASCII characters other than '='`,
      ],
    },
    {
      name: 'a source must be named',
      spec: env({ name: 'A', valueFrom: {} }),
      want: [
        'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
      ],
    },
    {
      name: 'a value or a source',
      spec: env({ name: 'A', value: 'x', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }),
      want: ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty'],
    },
    {
      name: 'one source',
      spec: env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' }, configMapKeyRef: { name: 'c', key: 'k' } } }),
      want: ['spec.containers[0].env[0].valueFrom: Invalid value: "": may not have more than one field specified at a time'],
    },
    {
      name: 'an unknown field',
      spec: env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }),
      want: [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.x": error converting fieldPath: field label not supported: spec.x',
      ],
    },
    { name: 'a label', spec: env({ name: 'A', valueFrom: { fieldRef: { fieldPath: "metadata.labels['a/b']" } } }), want: [] },
    {
      name: 'a field for volumes only',
      spec: env({ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.labels' } } }),
      want: [
        'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"',
      ],
    },
    {
      name: 'a divisor',
      spec: env({ name: 'A', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1k' } } }),
      want: [
        `spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor's values 1m and 1 are supported with the cpu resource`,
      ],
    },
    {
      name: 'a name and a key of a ConfigMap',
      spec: env({ name: 'A', valueFrom: { configMapKeyRef: { key: '' } } }),
      want: [
        'spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value',
        'spec.containers[0].env[0].valueFrom.configMapKeyRef.name: Required value',
      ],
    },
    {
      name: 'one source to take all from',
      spec: one({ envFrom: [{}] }),
      want: ['spec.containers[0].envFrom[0]: Invalid value: "": must specify one of: `configMapRef` or `secretRef`'],
    },
  ]
  cases(rows, check)
})

describe('probes and hooks', () => {
  const rows: Row[] = [
    {
      name: 'an action',
      spec: one({ livenessProbe: {} }),
      want: ['spec.containers[0].livenessProbe: Required value: must specify a handler type'],
    },
    {
      name: 'one action',
      spec: one({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      want: ['spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type'],
    },
    {
      name: 'a command',
      spec: one({ startupProbe: { exec: {} } }),
      want: ['spec.containers[0].startupProbe.exec.command: Required value'],
    },
    {
      name: 'liveness succeeds once',
      spec: one({ livenessProbe: { tcpSocket: { port: 'web' }, successThreshold: 2, periodSeconds: -1 } }),
      want: [
        'spec.containers[0].livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0',
        'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
      ],
    },
    {
      name: 'readiness has no grace period',
      spec: one({ readinessProbe: { httpGet: { port: 0 }, terminationGracePeriodSeconds: 3 } }),
      want: [
        `spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: ${portText}`,
        'spec.containers[0].readinessProbe.terminationGracePeriodSeconds: Invalid value: 3: must not be set for readinessProbes',
      ],
    },
    {
      name: 'a sleep ends within the grace period',
      spec: one({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }),
      want: [
        'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be greater than 0 and less than terminationGracePeriodSeconds (30). Enable AllowPodLifecycleSleepActionZeroValue feature gate for zero sleep.',
      ],
    },
  ]
  cases(rows, check)
})
