// Rows of upstream's rules for quotas (upstream.md 5.1 to 5.4, and 11: 18 to 23), and our scope on the RuntimeClass.
import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { Secret } from '../api/core/secret.ts'
import { Pod } from '../api/core/pod.ts'
import { ResourceQuota } from '../api/core/resource-quota.ts'
import { Service } from '../api/core/service.ts'
import { Lease } from '../api/coordination/lease.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { cases } from '../testing/cases.ts'
import { chargeOf } from './quota-check.ts'
import { inScope } from './quota-scope.ts'
import { countedStatus, quotaUsage, usageText } from './quota-usage.ts'

const nowMs = Date.parse('2030-01-01T00:00:00Z')
const decode = (kind: AnyKind, fields: Record<string, unknown>): AnyObject =>
  kind.decode({ ...fields, metadata: { name: 'x', namespace: 'ns', ...(fields.metadata as object) } }, { unknown: [] })

const container = (name: string, requests: object = {}, limits: object = {}) => ({
  name,
  image: 'i',
  resources: { requests, limits },
})
const podOf = (spec: Record<string, unknown>, more: Record<string, unknown> = {}): Pod =>
  decode(Pod, { spec: { containers: [container('a')], ...spec }, ...more }) as Pod
const texts = (kind: AnyKind, object: AnyObject): Record<string, string> =>
  Object.fromEntries([...quotaUsage(kind, object, nowMs)].map(([name, nano]) => [name, usageText(name, nano)]))

const two = { containers: [container('a', { cpu: '1', memory: '10' }, { cpu: '2' }), container('b', { memory: '1Mi' })] }
const overhead = { cpu: '250m', memory: '120Mi' }
const deleted = (at: string) => ({ metadata: { deletionTimestamp: at, deletionGracePeriodSeconds: 30 } })
const counted = { 'count/pods': '1', pods: '1' }

describe('what a Pod uses of a quota', () => {
  cases(
    [
      { name: 'nothing but its place', pod: podOf({}), want: counted },
      {
        name: 'overhead alone, which is never a limit',
        pod: podOf({ overhead }),
        want: {
          ...counted,
          ...{ cpu: '250m', 'requests.cpu': '250m', memory: '120Mi', 'requests.memory': '120Mi' },
        },
      },
      {
        name: 'the sum of its containers and overhead, on limits only where there is one',
        pod: podOf({ ...two, overhead }),
        want: {
          ...{ ...counted, cpu: '1250m', 'requests.cpu': '1250m', 'limits.cpu': '2250m' },
          ...{ memory: '126877706', 'requests.memory': '126877706' },
        },
      },
      {
        name: 'storage, huge pages under both names, extended resources under requests only',
        pod: podOf({
          containers: [
            container(
              'a',
              { cpu: '0', 'ephemeral-storage': '30Gi', 'hugepages-2Mi': '4Mi', 'example.com/dongle': '2' },
              { 'ephemeral-storage': '31Gi' },
            ),
          ],
        }),
        want: {
          ...{ ...counted, cpu: '0', 'requests.cpu': '0', 'ephemeral-storage': '30Gi', 'requests.ephemeral-storage': '30Gi' },
          ...{ 'hugepages-2Mi': '4Mi', 'requests.hugepages-2Mi': '4Mi', 'requests.example.com/dongle': '2' },
          'limits.ephemeral-storage': '31Gi',
        },
      },
      { name: 'its object once it has failed', pod: podOf(two, { status: { phase: 'Failed' } }), want: { 'count/pods': '1' } },
      {
        name: 'its object once it has succeeded',
        pod: podOf(two, { status: { phase: 'Succeeded' } }),
        want: { 'count/pods': '1' },
      },
      { name: 'everything while its end is due', pod: podOf({}, deleted('2029-12-31T23:59:30Z')), want: counted },
      {
        name: 'its object once the grace has passed twice',
        pod: podOf({}, deleted('2029-12-31T23:59:29Z')),
        want: { 'count/pods': '1' },
      },
    ],
    ({ pod, want }) => assert.deepEqual(texts(Pod, pod), want),
  )
})

describe('what other objects use', () => {
  const ports = [{ port: 80 }, { port: 81 }]
  cases(
    [
      { name: 'a Secret', kind: Secret, fields: {}, want: { 'count/secrets': '1', secrets: '1' } },
      { name: 'a Lease', kind: Lease, fields: {}, want: { 'count/leases.coordination.k8s.io': '1' } },
      { name: 'a quota', kind: ResourceQuota, fields: {}, want: { 'count/resourcequotas': '1', resourcequotas: '1' } },
      {
        name: 'a Service of the cluster',
        kind: Service,
        fields: { spec: { ports } },
        want: { 'count/services': '1', services: '1', 'services.nodeports': '0', 'services.loadbalancers': '0' },
      },
      {
        name: 'a load balancer, which takes node ports',
        kind: Service,
        fields: { spec: { type: 'LoadBalancer', ports } },
        want: { 'count/services': '1', services: '1', 'services.nodeports': '2', 'services.loadbalancers': '1' },
      },
      {
        name: 'a load balancer that wants no node ports',
        kind: Service,
        fields: { spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports } },
        want: { 'count/services': '1', services: '1', 'services.nodeports': '0', 'services.loadbalancers': '1' },
      },
    ],
    ({ kind, fields, want }) => assert.deepEqual(texts(kind, decode(kind, fields)), want),
  )
})

const selects = (scopeName: string, operator: string, ...values: string[]) => ({
  scopeSelector: { matchExpressions: [{ scopeName, operator, values }] },
})
const term = (more: object) => ({
  podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'k', ...more }] },
})

describe('the scopes of a quota', () => {
  const kata = podOf({ runtimeClassName: 'kata' })
  const high = podOf({ priorityClassName: 'high' })
  const plain = podOf({})
  cases(
    [
      { name: 'none: every Pod', pod: plain, spec: {}, want: true },
      {
        name: 'Terminating: no deadline',
        pod: podOf({}, deleted('2030-01-01T00:00:00Z')),
        spec: { scopes: ['Terminating'] },
        want: false,
      },
      {
        name: 'Terminating: a deadline',
        pod: podOf({ activeDeadlineSeconds: 5 }),
        spec: { scopes: ['Terminating'] },
        want: true,
      },
      {
        name: 'NotTerminating: a deadline',
        pod: podOf({ activeDeadlineSeconds: 5 }),
        spec: { scopes: ['NotTerminating'] },
        want: false,
      },
      { name: 'BestEffort: overhead does not count', pod: podOf({ overhead }), spec: { scopes: ['BestEffort'] }, want: true },
      { name: 'NotBestEffort', pod: podOf(two), spec: { scopes: ['NotBestEffort'] }, want: true },
      { name: 'all must hold', pod: podOf(two), spec: { scopes: ['NotBestEffort', 'Terminating'] }, want: false },
      { name: 'PriorityClass as a scope: any', pod: high, spec: { scopes: ['PriorityClass'] }, want: true },
      { name: 'PriorityClass In', pod: high, spec: selects('PriorityClass', 'In', 'low', 'high'), want: true },
      { name: 'PriorityClass In, of a Pod without', pod: plain, spec: selects('PriorityClass', 'In', 'high'), want: false },
      { name: 'PriorityClass NotIn, of a Pod without', pod: plain, spec: selects('PriorityClass', 'NotIn', 'high'), want: true },
      { name: 'PriorityClass DoesNotExist', pod: high, spec: selects('PriorityClass', 'DoesNotExist'), want: false },
      { name: 'RuntimeClass In', pod: kata, spec: selects('RuntimeClass', 'In', 'kata'), want: true },
      { name: 'RuntimeClass In, of another class', pod: kata, spec: selects('RuntimeClass', 'In', 'gvisor'), want: false },
      { name: 'RuntimeClass In, of a Pod without', pod: plain, spec: selects('RuntimeClass', 'In', 'kata'), want: false },
      { name: 'RuntimeClass NotIn', pod: kata, spec: selects('RuntimeClass', 'NotIn', 'kata'), want: false },
      { name: 'RuntimeClass NotIn, of a Pod without', pod: plain, spec: selects('RuntimeClass', 'NotIn', 'kata'), want: true },
      { name: 'RuntimeClass Exists', pod: kata, spec: selects('RuntimeClass', 'Exists'), want: true },
      {
        name: 'RuntimeClass DoesNotExist, of a Pod without',
        pod: plain,
        spec: selects('RuntimeClass', 'DoesNotExist'),
        want: true,
      },
      { name: 'RuntimeClass as a scope: any', pod: plain, spec: { scopes: ['RuntimeClass'] }, want: false },
      {
        name: 'affinity at home',
        pod: podOf({ affinity: term({}) }),
        spec: { scopes: ['CrossNamespacePodAffinity'] },
        want: false,
      },
      {
        name: 'affinity to names',
        pod: podOf({ affinity: term({ namespaces: ['o'] }) }),
        spec: { scopes: ['CrossNamespacePodAffinity'] },
        want: true,
      },
      {
        name: 'affinity to all',
        pod: podOf({ affinity: term({ namespaceSelector: {} }) }),
        spec: { scopes: ['CrossNamespacePodAffinity'] },
        want: true,
      },
    ],
    ({ pod, spec, want }) => assert.equal(inScope(pod, spec), want),
  )
})

const quotaOf = (hard: object, used: object | undefined, spec: object = {}): ResourceQuota =>
  decode(ResourceQuota, {
    metadata: { name: 'q' },
    spec: { hard, ...spec },
    status: { hard, ...(used ? { used } : {}) },
  }) as ResourceQuota
const asks = (requests: object, more: object = {}) => podOf({ containers: [container('a', requests)], ...more })

describe('a charge', () => {
  cases(
    [
      {
        name: 'is added to what is used',
        quota: quotaOf({ 'requests.cpu': '2', pods: '5', secrets: '1' }, { 'requests.cpu': '500m', pods: '1', secrets: '1' }),
        pod: asks({ cpu: '1' }, { overhead }),
        want: { used: { 'requests.cpu': '1750m', pods: '2', secrets: '1' } },
      },
      {
        name: 'that is too much names the exceeded resources, sorted',
        quota: quotaOf(
          { 'requests.memory': '1Gi', 'requests.cpu': '2', pods: '5' },
          { 'requests.memory': '1000Mi', 'requests.cpu': '1900m', pods: '1' },
        ),
        pod: asks({ cpu: '0.1', memory: '100Mi' }, { overhead: { cpu: '250m', memory: '28Mi' } }),
        want: {
          refused:
            'exceeded quota: q, requested: requests.cpu=350m,requests.memory=128Mi, used: requests.cpu=1900m,requests.memory=1000Mi, limited: requests.cpu=2,requests.memory=1Gi',
        },
      },
      {
        name: 'is written in the suffixes it was asked for in, what is used in its own',
        quota: quotaOf({ 'requests.memory': '2G', memory: '4Gi' }, { 'requests.memory': '1G', memory: '1Gi' }),
        pod: asks({ memory: '2048M' }, { overhead: { memory: '1Mi' } }),
        want: {
          refused:
            'exceeded quota: q, requested: requests.memory=2049048576, used: requests.memory=1G, limited: requests.memory=2G',
        },
      },
      {
        name: 'gives its suffixes to a zero',
        quota: quotaOf(
          { 'requests.memory': '2G', 'limits.memory': '2G', memory: '4Gi' },
          { 'requests.memory': '0', 'limits.memory': '0', memory: '1Gi' },
        ),
        pod: podOf({
          containers: [container('a', { memory: '0' }, { memory: '0' }), container('b', { memory: '64M' }, { memory: '128M' })],
        }),
        want: { used: { 'requests.memory': '64M', 'limits.memory': '128M', memory: '1111076Ki' } },
      },
      {
        name: 'is not refused for what was exceeded before and is not asked for',
        quota: quotaOf(
          { pods: '5', secrets: '1', 'limits.cpu': '1', 'requests.ephemeral-storage': '1' },
          { pods: '1', secrets: '7', 'limits.cpu': '9', 'requests.ephemeral-storage': '8' },
        ),
        pod: podOf({ containers: [container('a', {}, { cpu: '0' })] }),
        want: { used: { pods: '2', secrets: '7', 'limits.cpu': '9', 'requests.ephemeral-storage': '8' } },
      },
      {
        name: 'needs every container to say what it wants, whatever the overhead',
        quota: quotaOf({ memory: '1Gi', cpu: '2', 'limits.cpu': '2', pods: '1' }, undefined),
        pod: podOf({
          containers: [container('b', { cpu: '1' }), container('a', { memory: '1' })],
          initContainers: [container('c')],
          overhead,
        }),
        want: { refused: 'failed quota: q: must specify cpu for: a,c; limits.cpu for: a,b,c; memory for: b,c' },
      },
      {
        name: 'needs nothing of containers where the Pod says it',
        quota: quotaOf({ cpu: '2' }, { cpu: '1' }),
        pod: podOf({ resources: { requests: { cpu: '500m' } }, overhead }),
        want: { used: { cpu: '1750m' } },
      },
      {
        name: 'is refused while the quota has not been counted',
        quota: quotaOf({ pods: '5', 'requests.cpu': '2', secrets: '1' }, { pods: '0' }),
        pod: asks({ cpu: '1' }),
        want: { refused: 'status unknown for quota: q, resources: requests.cpu' },
      },
      {
        name: 'does not reach a quota of other things',
        quota: quotaOf({ secrets: '0' }, undefined),
        pod: podOf({}),
        want: undefined,
      },
      {
        name: 'does not reach a quota of other Pods',
        quota: quotaOf({ pods: '0' }, { pods: '0' }, selects('RuntimeClass', 'Exists')),
        pod: podOf({}),
        want: undefined,
      },
    ],
    ({ quota, pod, want }) => assert.deepEqual(chargeOf(quota, { kind: Pod, object: pod, nowMs }), want),
  )
})

describe('a charge of an update', () => {
  const service = (type: string) => decode(Service, { spec: { type, ports: [{ port: 80 }, { port: 81 }] } })
  const quota = quotaOf({ services: '1', 'services.nodeports': '1' }, { services: '1', 'services.nodeports': '0' })
  const refused = 'exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1'
  cases(
    [
      { name: 'is what is used more', from: 'ClusterIP', to: 'NodePort', want: { refused } },
      { name: 'is nothing when less is used', from: 'NodePort', to: 'ClusterIP', want: undefined },
    ],
    ({ from, to, want }) =>
      assert.deepEqual(chargeOf(quota, { kind: Service, object: service(to), old: service(from), nowMs }), want),
  )
})

describe('a count', () => {
  const all = [
    { kind: Pod, objects: [podOf(two), podOf({ overhead }), podOf(two, { status: { phase: 'Failed' } })] },
    { kind: Secret, objects: [decode(Secret, {})] },
  ]
  cases(
    [
      {
        name: 'sums what is there, and leaves out what nobody can tell',
        quota: quotaOf(
          { 'requests.cpu': '2', 'count/pods': '9', secrets: '3', 'count/widgets.example.com': '1', persistentvolumeclaims: '4' },
          undefined,
        ),
        used: { 'requests.cpu': '1250m', 'count/pods': '3', secrets: '1', persistentvolumeclaims: '0' },
      },
      {
        name: 'is written in the suffixes of the first that uses any',
        quota: quotaOf({ memory: '2G', 'limits.memory': '2G' }, undefined),
        all: ['0', '400M', '1Mi'].map((memory) => ({
          kind: Pod,
          objects: [podOf({ containers: [container('a', { memory }, { memory })] })],
        })),
        used: { memory: String(401_048_576), 'limits.memory': String(401_048_576) },
      },
      {
        name: 'stays decimal where all of it is',
        quota: quotaOf({ memory: '2G' }, undefined),
        all: [{ kind: Pod, objects: ['400M', '1600M'].map((memory) => podOf({ containers: [container('a', { memory })] })) }],
        used: { memory: '2G' },
      },
      {
        name: 'of a scope counts Pods only',
        quota: quotaOf({ pods: '2', 'count/secrets': '1' }, undefined, { scopes: ['BestEffort'] }),
        used: { pods: '1', 'count/secrets': '0' },
      },
    ],
    ({ quota, used, all: given = all }) => assert.deepEqual(countedStatus(quota, given, nowMs), { hard: quota.spec.hard, used }),
  )
})
