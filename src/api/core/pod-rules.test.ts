import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { dnsLabelFault as label, oneContainer as one, podFaults } from '../../testing/pod-faults.ts'

type Json = Record<string, unknown>
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

interface Row {
  name: string
  spec: Json
  want: string[]
}
const check = ({ spec, want }: Row) => assert.deepEqual(podFaults(spec), want)

describe('volumes', () => {
  const vol = (source: Json, mounts: Json[] = []) => one({ volumeMounts: mounts }, { volumes: [{ name: 'v', ...source }] })
  const rows: Row[] = [
    { name: 'a volume and its mount', spec: vol({}, [{ name: 'v', mountPath: '/v' }]), want: [] },
    {
      name: 'a mount of no volume',
      spec: one({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      want: ['spec.containers[0].volumeMounts[0].name: Not found: "v"'],
    },
    {
      name: 'a place is used once, and paths stay inside',
      spec: vol({}, [
        { name: 'v', mountPath: '/v' },
        { name: 'v', mountPath: '/v', subPath: '../x' },
      ]),
      want: [
        'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/v": must be unique',
        `spec.containers[0].volumeMounts[1].subPath: Invalid value: "../x": must not contain '..'`,
      ],
    },
    {
      name: 'propagation to the host is for the privileged',
      spec: vol({}, [{ name: 'v', mountPath: '/v', mountPropagation: 'Bidirectional' }]),
      want: [
        'spec.containers[0].volumeMounts[0].mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers',
      ],
    },
    {
      name: 'one source',
      spec: vol({ emptyDir: {}, hostPath: { path: '/x' } }),
      want: ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type'],
    },
    {
      name: 'a name, once',
      spec: { volumes: [{ name: 'V' }, { name: 'w' }, { name: 'w' }, { name: '', emptyDir: {} }] },
      want: [
        'spec.volumes[3].name: Required value',
        `spec.volumes[0].name: Invalid value: "V": ${label}`,
        'spec.volumes[2].name: Duplicate value: "w"',
      ],
    },
    {
      name: 'host paths',
      spec: vol({ hostPath: { path: '/a/../b', type: 'Pipe' } }),
      want: [
        `spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain '..'`,
        'spec.volumes[0].hostPath.type: Unsupported value: "Pipe": supported values: "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"',
      ],
    },
    {
      name: 'files of a ConfigMap',
      spec: vol({ configMap: { items: [{ key: 'k', path: '/x', mode: 512 }] } }),
      want: [
        'spec.volumes[0].configMap.name: Required value',
        'spec.volumes[0].configMap.items[0].path: Invalid value: "/x": must be a relative path',
        'spec.volumes[0].configMap.items[0].mode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive',
      ],
    },
    {
      name: 'a resource in a volume names its container',
      spec: vol({ downwardAPI: { items: [{ path: 'x', resourceFieldRef: { resource: 'limits.cpu' } }] } }),
      want: ['spec.volumes[0].downwardAPI.resourceFieldRef.containerName: Required value'],
    },
    {
      name: 'projected paths do not meet, tokens live long and need an account',
      spec: vol({
        projected: {
          sources: [
            { configMap: { name: 'c', items: [{ key: 'k', path: 'x' }] } },
            { serviceAccountToken: { path: 'x', expirationSeconds: 5 } },
          ],
        },
      }),
      want: [
        'spec.volumes[0].projected.sources[1].serviceAccountToken.expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes',
        'spec.volumes[0].projected: Invalid value: "x": conflicting duplicate paths',
        'spec.volumes[0].projected.sources[1].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
      ],
    },
  ]
  cases(rows, check)
})

describe('the rest of a spec', () => {
  const nodeTerm = (requirement: Json) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] },
      },
    },
  })
  const nodeAt =
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0]'
  const rows: Row[] = [
    {
      name: 'runtimeClassName is a subdomain',
      spec: { runtimeClassName: 'Kata' },
      want: [`spec.runtimeClassName: Invalid value: "Kata": ${subdomain}`],
    },
    {
      name: 'an empty runtimeClassName is no default',
      spec: { runtimeClassName: '' },
      want: [`spec.runtimeClassName: Invalid value: "": ${subdomain}`],
    },
    {
      name: 'overhead is judged as limits',
      spec: { overhead: { cpu: '-1' } },
      want: ['spec.overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
    },
    {
      name: 'restartPolicy',
      spec: { restartPolicy: 'Sometimes' },
      want: ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'],
    },
    {
      name: 'activeDeadlineSeconds',
      spec: { activeDeadlineSeconds: 0 },
      want: ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive'],
    },
    { name: 'a negative grace period is legal', spec: { terminationGracePeriodSeconds: -1 }, want: [] },
    {
      name: 'hostname',
      spec: { hostname: 'a.b', nodeName: 'n_1' },
      want: [`spec.nodeName: Invalid value: "n_1": ${subdomain}`, `spec.hostname: Invalid value: "a.b": ${label}`],
    },
    {
      name: 'tolerations',
      spec: {
        tolerations: [
          { key: 'a', operator: 'Exists', value: 'x' },
          { key: 'a', tolerationSeconds: 3, effect: 'NoSchedule' },
          { key: 'a', operator: 'Like', effect: 'Never' },
        ],
      },
      want: [
        `spec.tolerations[0].operator: Invalid value: {"key":"a","operator":"Exists","value":"x"}: value must be empty when \`operator\` is 'Exists'`,
        `spec.tolerations[1].effect: Invalid value: "NoSchedule": effect must be 'NoExecute' when \`tolerationSeconds\` is set`,
        'spec.tolerations[2].operator: Unsupported value: "Like": supported values: "Equal", "Exists"',
        'spec.tolerations[2].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
      ],
    },
    {
      name: 'node affinity: values of In',
      spec: nodeTerm({ key: 'a', operator: 'In' }),
      want: [`${nodeAt}.values: Required value: must be specified when \`operator\` is 'In' or 'NotIn'`],
    },
    {
      name: 'node affinity: an unknown operator',
      spec: nodeTerm({ key: 'a', operator: 'Like' }),
      want: [`${nodeAt}.operator: Invalid value: "Like": not a valid selector operator`],
    },
    {
      name: 'node affinity: one value for Gt',
      spec: nodeTerm({ key: 'a', operator: 'Gt' }),
      want: [`${nodeAt}.values: Required value: must be specified single value when \`operator\` is 'Lt' or 'Gt'`],
    },
    {
      name: 'pod affinity: weight and topology',
      spec: {
        affinity: {
          podAntiAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              {
                weight: 0,
                podAffinityTerm: {
                  topologyKey: 'zone',
                  labelSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['x'] }] },
                },
              },
            ],
          },
        },
      },
      want: [
        'spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: Invalid value: 0: must be in the range 1-100',
        "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      ],
    },
    {
      name: 'spreading',
      spec: {
        topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'ScheduleAnyway', minDomains: 2 }],
      },
      want: [
        'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
        'spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway',
      ],
    },
    {
      name: 'dnsPolicy None needs nameservers',
      spec: { dnsPolicy: 'None' },
      want: ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None'],
    },
    {
      name: 'nameservers are addresses',
      spec: { dnsConfig: { nameservers: ['1.2.3'] } },
      want: [
        'spec.dnsConfig.nameservers[0]: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    },
    {
      name: 'process namespaces',
      spec: { shareProcessNamespace: true, hostPID: true },
      want: [
        'spec.securityContext.shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled',
      ],
    },
    {
      name: 'a user namespace and the namespaces of the host',
      spec: { hostUsers: false, hostPID: true },
      want: ['spec.HostPID: Forbidden: when `pod.Spec.HostUsers` is false'],
    },
    {
      name: 'security profiles',
      spec: { securityContext: { seccompProfile: { type: 'Localhost' }, fsGroup: -1 } },
      want: [
        'spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647, inclusive',
        'spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost',
      ],
    },
    {
      name: 'a gated Pod is not bound',
      spec: { nodeName: 'n', schedulingGates: [{ name: 'a/b' }] },
      want: ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared'],
    },
  ]
  cases(rows, check)
})
