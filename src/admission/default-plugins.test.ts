// Every plugin but RuntimeClass (see runtime-class.test.ts), called through the chain.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { PriorityClass } from '../api/scheduling/priority-class.ts'
import { type Status, StatusError } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { manualClock } from '../testing/manual-clock.ts'
import { mapReader, noEffects } from '../testing/map-reader.ts'
import { admitted, type AdmissionRequest, type Plugin, type Reader } from './chain.ts'
import { defaultPlugins } from './default-plugins.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { priority, priorityClasses } from './priority.ts'
import { serviceAccount, serviceAccountWith } from './service-account.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

const objectOf = (kind: AnyKind, name: string, fields: Record<string, unknown> = {}, namespace?: string): AnyObject =>
  kind.decode({ metadata: { name, namespace }, ...fields }, { unknown: [] })
const podOf = (spec: Record<string, unknown> = {}): AnyObject =>
  objectOf(Pod, 'web', { spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } }, 'ns')

function requestOf(kind: AnyKind, object: AnyObject, read: Reader, more: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const { name, namespace } = object.metadata
  const user = { name: 'admin', groups: [] }
  return { verb: 'create', kind, namespace, name, object, user, dryRun: false, read, warn: assert.fail, ...noEffects, ...more }
}

async function refusal(plugin: Plugin, request: AdmissionRequest): Promise<Status> {
  const error = await admitted([plugin], request).catch((thrown: unknown) => thrown)
  assert.ok(error instanceof StatusError, `admitted: ${JSON.stringify(error)}`)
  return error.status
}

const failure = (code: number, reason: string, message: string, details: Status['details']) => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, details, code },
})
const forbidden = (kind: string, name: string, why: string, group?: string) =>
  failure(403, 'Forbidden', `${kind}${group ? `.${group}` : ''} "${name}" is forbidden: ${why}`, {
    name,
    ...(group ? { group } : {}),
    kind,
  })

describe('the default plugins', () => {
  it('stand in the order of upstream, our own before the one they prepare', () => {
    assert.deepEqual(
      defaultPlugins.map(({ name }) => name),
      [
        'NamespaceLifecycle',
        'LimitRanger',
        'ServiceAccount',
        'TaintNodesByCondition',
        'Priority',
        'Priority',
        'DefaultTolerationSeconds',
        'RuntimeClassPolicy',
        'RuntimeClassPolicy',
        'RuntimeClass',
        'ResourceQuota',
        'ResourceQuota',
      ],
    )
  })
})

describe('NamespaceLifecycle', () => {
  const active = objectOf(Namespace, 'ns', { status: { phase: 'Active' } })
  const leaving = objectOf(Namespace, 'ns', { status: { phase: 'Terminating' } })
  const map = objectOf(ConfigMap, 'settings', {}, 'ns')
  const terminating = forbidden(
    'configmaps',
    'settings',
    'unable to create new content in namespace ns because it is being terminated',
  )
  const cause = {
    reason: 'NamespaceTerminating',
    message: 'namespace ns is being terminated',
    field: 'metadata.namespace',
  }

  cases(
    [
      {
        name: 'refuses to create in a missing namespace with 404',
        verb: 'create' as const,
        read: mapReader([]),
        want: failure(404, 'NotFound', 'namespaces "ns" not found', { name: 'ns', kind: 'namespaces' }),
      },
      {
        name: 'refuses to update in a missing namespace with 404',
        verb: 'update' as const,
        read: mapReader([]),
        want: failure(404, 'NotFound', 'namespaces "ns" not found', { name: 'ns', kind: 'namespaces' }),
      },
      {
        name: 'refuses to create in a terminating namespace, and says so in a cause',
        verb: 'create' as const,
        read: mapReader([leaving]),
        want: { ...terminating, details: { ...terminating.details, causes: [cause] } },
      },
    ],
    async ({ verb, read, want }) =>
      assert.deepEqual(await refusal(namespaceLifecycle, requestOf(ConfigMap, map, read, { verb })), want),
  )

  cases(
    [
      { name: 'lets through: create in an active namespace', verb: 'create' as const, read: mapReader([active]) },
      {
        name: 'lets through: create in a namespace too young for the cache',
        verb: 'create' as const,
        read: mapReader([], [active]),
      },
      { name: 'lets through: update in a terminating namespace', verb: 'update' as const, read: mapReader([leaving]) },
      { name: 'lets through: delete in a namespace that is gone', verb: 'delete' as const, read: mapReader([]) },
    ],
    async ({ verb, read }) => assert.equal(await admitted([namespaceLifecycle], requestOf(ConfigMap, map, read, { verb })), map),
  )

  cases(
    ['default', 'kube-system', 'kube-public'].map((name) => ({ name })),
    async ({ name }) =>
      assert.deepEqual(
        await refusal(namespaceLifecycle, requestOf(Namespace, objectOf(Namespace, name), mapReader([]), { verb: 'delete' })),
        forbidden('namespaces', name, 'this namespace may not be deleted'),
      ),
  )

  it('lets through: deleting any other namespace, and writing cluster-scoped objects', async () => {
    const other = objectOf(Namespace, 'kube-node-lease')
    const node = objectOf(Node, 'node-1')
    assert.equal(await admitted([namespaceLifecycle], requestOf(Namespace, other, mapReader([]), { verb: 'delete' })), other)
    assert.equal(await admitted([namespaceLifecycle], requestOf(Namespace, other, mapReader([]))), other)
    assert.equal(await admitted([namespaceLifecycle], requestOf(Node, node, mapReader([]))), node)
  })
})

describe('ServiceAccount', () => {
  const account = (name: string, fields: Record<string, unknown> = {}) => objectOf(ServiceAccount, name, fields, 'ns')
  const named = (serviceAccountName: string) => ({ serviceAccountName, serviceAccount: serviceAccountName })
  cases(
    [
      { name: 'gives a Pod the default account', read: mapReader([account('default')]), spec: {}, want: named('default') },
      {
        name: 'finds an account too young for the cache',
        read: mapReader([], [account('builder')]),
        spec: { serviceAccountName: 'builder' },
        want: named('builder'),
      },
      {
        name: 'takes the old field for the new one',
        read: mapReader([account('builder')]),
        spec: { serviceAccount: 'builder' },
        want: named('builder'),
      },
      {
        name: 'mounts nothing, as no tokens are issued, and keeps what was asked',
        read: mapReader([account('default', { automountServiceAccountToken: true })]),
        spec: { automountServiceAccountToken: true },
        want: { ...named('default'), automountServiceAccountToken: true },
      },
      {
        name: 'lends the pull secrets of the account',
        read: mapReader([account('default', { imagePullSecrets: [{ name: 'registry' }] })]),
        spec: {},
        want: { ...named('default'), imagePullSecrets: [{ name: 'registry' }] },
      },
      {
        name: 'keeps the pull secrets of the Pod',
        read: mapReader([account('default', { imagePullSecrets: [{ name: 'registry' }] })]),
        spec: { imagePullSecrets: [{ name: 'mine' }] },
        want: { ...named('default'), imagePullSecrets: [{ name: 'mine' }] },
      },
    ],
    async ({ read, spec, want }) =>
      assert.deepEqual(await admitted([serviceAccount], requestOf(Pod, podOf(spec), read)), podOf({ ...spec, ...want })),
  )

  it('refuses an account that is not there, at once', async () => {
    const request = requestOf(Pod, podOf({ serviceAccountName: 'builder' }), mapReader([account('default')]))
    assert.deepEqual(
      await refusal(serviceAccountWith(manualClock()), request),
      forbidden('pods', 'web', 'error looking up service account ns/builder: serviceaccount "builder" not found'),
    )
  })

  it('waits a second for the default account before it refuses', async () => {
    const clock = manualClock()
    const refused = refusal(serviceAccountWith(clock), requestOf(Pod, podOf(), mapReader([])))
    await clock.advance(900)
    assert.equal(clock.pending(), 1)
    await clock.advance(100)
    assert.deepEqual(
      await refused,
      forbidden('pods', 'web', 'error looking up service account ns/default: serviceaccount "default" not found'),
    )
  })

  it('goes on as soon as the default account is made', async () => {
    const clock = manualClock()
    let reader = mapReader([])
    const read: Reader = { ...reader, live: (kind, ref) => reader.live(kind, ref) }
    const admission = admitted([serviceAccountWith(clock)], requestOf(Pod, podOf(), read))
    await clock.advance(50)
    reader = mapReader([account('default')])
    await clock.advance(25)
    assert.deepEqual(await admission, podOf(named('default')))
  })
})

describe('TaintNodesByCondition', () => {
  const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }
  cases(
    [
      { name: 'taints a new node', spec: {}, want: { taints: [notReady] } },
      {
        name: 'keeps the taints it came with',
        spec: { taints: [{ key: 'gpu', effect: 'NoExecute' }] },
        want: { taints: [{ key: 'gpu', effect: 'NoExecute' }, notReady] },
      },
      {
        name: 'does not taint twice, whatever the value',
        spec: { taints: [{ ...notReady, value: 'x' }] },
        want: { taints: [{ ...notReady, value: 'x' }] },
      },
      {
        name: 'taints beside the same key with another effect',
        spec: { taints: [{ ...notReady, effect: 'NoExecute' }] },
        want: { taints: [{ ...notReady, effect: 'NoExecute' }, notReady] },
      },
    ],
    async ({ spec, want }) =>
      assert.deepEqual(
        await admitted([taintNodesByCondition], requestOf(Node, objectOf(Node, 'node-1', { spec }), mapReader([]))),
        objectOf(Node, 'node-1', { spec: want }),
      ),
  )
})

describe('Priority', () => {
  const classOf = (name: string, value: number, fields: Record<string, unknown> = {}) =>
    objectOf(PriorityClass, name, { value, ...fields })
  const preempting = { preemptionPolicy: 'PreemptLowerPriority' }
  cases(
    [
      { name: 'is 0 without any class', classes: [], spec: {}, want: { priority: 0, ...preempting } },
      {
        name: 'is the number of the named class',
        classes: [classOf('high', 1000), classOf('low', 1)],
        spec: { priorityClassName: 'high' },
        want: { priorityClassName: 'high', priority: 1000, ...preempting },
      },
      {
        name: 'comes with the preemption policy of the class',
        classes: [classOf('high', 1000, { preemptionPolicy: 'Never' })],
        spec: { priorityClassName: 'high' },
        want: { priorityClassName: 'high', priority: 1000, preemptionPolicy: 'Never' },
      },
      {
        name: 'is that of the global default, the lowest of several',
        classes: [classOf('a', 9, { globalDefault: true }), classOf('b', 7, { globalDefault: true }), classOf('c', 1)],
        spec: {},
        want: { priorityClassName: 'b', priority: 7, ...preempting },
      },
      {
        name: 'may be given when it is the same',
        classes: [classOf('high', 1000)],
        spec: { priorityClassName: 'high', priority: 1000, ...preempting },
        want: { priorityClassName: 'high', priority: 1000, ...preempting },
      },
    ],
    async ({ classes, spec, want }) =>
      assert.deepEqual(await admitted([priority], requestOf(Pod, podOf(spec), mapReader(classes))), podOf(want)),
  )

  cases(
    [
      {
        name: 'refuses an unknown class',
        spec: { priorityClassName: 'nope' },
        want: forbidden('pods', 'web', 'no PriorityClass with name nope was found'),
      },
      {
        name: 'refuses another number than that of the class',
        spec: { priorityClassName: 'high', priority: 5 },
        want: forbidden(
          'pods',
          'web',
          'the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 1000 from the given PriorityClass name',
        ),
      },
      {
        name: 'refuses another policy than that of the class',
        spec: { priorityClassName: 'high', preemptionPolicy: 'Never' },
        want: forbidden(
          'pods',
          'web',
          'the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name',
        ),
      },
    ],
    async ({ spec, want }) =>
      assert.deepEqual(await refusal(priority, requestOf(Pod, podOf(spec), mapReader([classOf('high', 1000)]))), want),
  )

  it('is kept by an update that leaves it out', async () => {
    const old = podOf({ priority: 7, preemptionPolicy: 'Never' })
    const request = requestOf(Pod, podOf(), mapReader([]), { verb: 'update', old })
    assert.deepEqual(await admitted([priority], request), old)
  })

  const first = classOf('first', 1, { globalDefault: true })
  it('has one global default at most', async () => {
    const want = (name: string) =>
      forbidden(
        'priorityclasses',
        name,
        'PriorityClass first is already marked as default. Only one default can exist',
        'scheduling.k8s.io',
      )
    const second = classOf('second', 2, { globalDefault: true })
    for (const verb of ['create', 'update'] as const)
      assert.deepEqual(
        await refusal(priorityClasses, requestOf(PriorityClass, second, mapReader([first]), { verb })),
        want('second'),
      )
  })

  cases(
    ['system-node-critical', 'system-cluster-critical'].map((name) => ({ name })),
    async ({ name }) => {
      const request = requestOf(PriorityClass, classOf(name, 2_000_000_000), mapReader([]), { verb: 'delete' })
      const why = 'this is a system priority class and cannot be deleted'
      assert.deepEqual(await refusal(priorityClasses, request), forbidden('priorityclasses', name, why, 'scheduling.k8s.io'))
    },
  )

  it('lets any other class be deleted', async () => {
    const request = requestOf(PriorityClass, first, mapReader([first]), { verb: 'delete' })
    assert.equal(await admitted([priorityClasses], request), first)
  })

  it('lets the global default be updated, and others be created', async () => {
    const other = classOf('other', 2)
    const update = requestOf(PriorityClass, first, mapReader([first]), { verb: 'update' })
    assert.equal(await admitted([priorityClasses], update), first)
    assert.equal(await admitted([priorityClasses], requestOf(PriorityClass, other, mapReader([first]))), other)
    assert.equal(await admitted([priorityClasses], requestOf(PriorityClass, first, mapReader([]))), first)
  })
})

describe('DefaultTolerationSeconds', () => {
  const added = (key: string) => ({ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 })
  const notReady = added('node.kubernetes.io/not-ready')
  const unreachable = added('node.kubernetes.io/unreachable')
  const own = { key: 'a', operator: 'Exists' }
  cases(
    [
      { name: 'adds both after what the Pod has', given: [own], want: [own, notReady, unreachable] },
      {
        name: 'keeps a toleration of its own for one of them',
        given: [{ ...notReady, tolerationSeconds: 2 }],
        want: [{ ...notReady, tolerationSeconds: 2 }, unreachable],
      },
      {
        name: 'counts one for every effect',
        given: [{ key: unreachable.key, operator: 'Exists' }],
        want: [{ key: unreachable.key, operator: 'Exists' }, notReady],
      },
      {
        name: 'does not count one for another effect',
        given: [{ ...own, key: notReady.key, effect: 'NoSchedule' }],
        want: [{ ...own, key: notReady.key, effect: 'NoSchedule' }, notReady, unreachable],
      },
      { name: 'adds nothing to one for every key', given: [{ operator: 'Exists' }], want: [{ operator: 'Exists' }] },
    ],
    async ({ given, want }) => {
      for (const verb of ['create', 'update'] as const) {
        const request = requestOf(Pod, podOf({ tolerations: given }), mapReader([]), { verb })
        assert.deepEqual(await admitted([defaultTolerationSeconds], request), podOf({ tolerations: want }))
      }
    },
  )
})
