// The default plugins as a client of the API server meets them: what is refused, what is stored, what stays when classes change.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import { Namespace } from '../api/core/namespace.ts'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import type { AnyKind, ObjectOf } from '../api/kind.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { StatusError, type Status } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { objectOf, openControlPlane } from '../testing/control-plane.ts'

const make = <K extends AnyKind>(
  client: Client,
  kind: K,
  fields: Record<string, unknown>,
  dryRun = false,
): Promise<ObjectOf<K>> => client.create(kind, objectOf(kind, fields), { dryRun })
const podFields = (name: string, spec: Record<string, unknown> = {}) => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
})
const classFields = (fields: Record<string, unknown> = {}) => ({ metadata: { name: 'gvisor' }, handler: 'runsc', ...fields })
const ref = (name: string) => ({ namespace: 'default', name })

async function refusal(attempt: Promise<unknown>): Promise<Status> {
  const error = await attempt.catch((thrown: unknown) => thrown)
  assert.ok(error instanceof StatusError, `let through: ${JSON.stringify(error)}`)
  return error.status
}
const forbidden = (why: string): Status => ({
  ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'Forbidden', code: 403 },
  message: `pods "web" is forbidden: ${why}`,
  details: { name: 'web', kind: 'pods' },
})

describe('a Pod that names a class', () => {
  it('is refused while the class is unknown, dry run too, and admitted in the moment it is there', async () => {
    const { client } = await openControlPlane()
    const web = podFields('web', { runtimeClassName: 'gvisor' })
    const unknown = forbidden('pod rejected: RuntimeClass "gvisor" not found')
    for (const dryRun of [false, true]) assert.deepEqual(await refusal(make(client, Pod, web, dryRun)), unknown)
    await make(client, RuntimeClass, classFields())
    await make(client, Pod, web)
    await client.delete(RuntimeClass, { name: 'gvisor' })
    assert.deepEqual(await refusal(make(client, Pod, web, true)), unknown)
  })

  it('is stored with overhead, selector, tolerations, account and priority', async () => {
    const { client } = await openControlPlane()
    const podFixed = { cpu: '0.010', memory: '1024Ki' }
    const scheduling = { nodeSelector: { sandbox: 'yes' }, tolerations: [{ key: 'sandbox', operator: 'Exists' }] }
    await make(client, RuntimeClass, classFields({ overhead: { podFixed }, scheduling }))
    await make(client, Pod, podFields('web', { runtimeClassName: 'gvisor' }))
    const { spec } = await client.get(Pod, ref('web'))
    const lost = { operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
    assert.deepEqual(
      [spec.overhead, spec.nodeSelector, spec.tolerations, spec.serviceAccountName, spec.priority, spec.preemptionPolicy],
      [
        { cpu: '10m', memory: '1Mi' },
        { sandbox: 'yes' },
        [
          { key: 'node.kubernetes.io/not-ready', ...lost },
          { key: 'node.kubernetes.io/unreachable', ...lost },
          { key: 'sandbox', operator: 'Exists' },
        ],
        'default',
        0,
        'PreemptLowerPriority',
      ],
    )
    assert.deepEqual([spec.volumes, spec.containers[0]?.volumeMounts], [undefined, undefined])
  })

  it('keeps what it got when the class is edited and deleted', async () => {
    const { client } = await openControlPlane()
    await make(client, RuntimeClass, classFields({ overhead: { podFixed: { cpu: '10m' } } }))
    const before = await make(client, Pod, podFields('web', { runtimeClassName: 'gvisor' }))
    const body = { overhead: { podFixed: { cpu: '99m' } } }
    await client.patch(RuntimeClass, { name: 'gvisor' }, { type: 'merge', body })
    await client.delete(RuntimeClass, { name: 'gvisor' })
    assert.deepEqual(await client.get(Pod, ref('web')), before)
    const labelled = await client.patch(Pod, ref('web'), { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
    assert.deepEqual(labelled.spec, before.spec)
  })

  it('cannot be given an overhead or another class later: the generic refusal of Pod updates', async () => {
    const { client } = await openControlPlane()
    await make(client, RuntimeClass, classFields())
    await make(client, Pod, podFields('web', { runtimeClassName: 'gvisor' }))
    for (const spec of [{ overhead: { cpu: '1' } }, { runtimeClassName: 'other' }]) {
      const { code, details, message } = await refusal(client.patch(Pod, ref('web'), { type: 'merge', body: { spec } }))
      const cause = details?.causes?.[0]
      assert.deepEqual([code, cause?.field, cause?.reason], [422, 'spec', 'FieldValueForbidden'])
      assert.match(message ?? '', /pod updates may not change fields other than/)
    }
  })
})

describe('namespaces', () => {
  it('must be there', async () => {
    const { client } = await openControlPlane()
    assert.deepEqual(await refusal(make(client, ConfigMap, { metadata: { name: 'a', namespace: 'nope' } })), {
      ...{ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', reason: 'NotFound', code: 404 },
      message: 'namespaces "nope" not found',
      details: { name: 'nope', kind: 'namespaces' },
    })
  })

  it('of the system cannot be deleted', async () => {
    const { client } = await openControlPlane()
    for (const name of ['default', 'kube-system', 'kube-public'])
      assert.equal(
        (await refusal(client.delete(Namespace, { name }))).message,
        `namespaces "${name}" is forbidden: this namespace may not be deleted`,
      )
  })
})

it('a new node is tainted before anybody can schedule to it', async () => {
  const { client } = await openControlPlane()
  const node = await make(client, Node, { metadata: { name: 'node-1' } })
  assert.deepEqual(node.spec.taints, [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
})
