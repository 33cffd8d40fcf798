// PodExplanation on whole simulated clusters: the right cause, and every change that is told, done, lets the Pod run.
import assert from 'node:assert/strict'
import fastJsonPatch, { type Operation } from 'fast-json-patch'
import { describe, it } from 'vitest'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { ResourceQuota } from '../../src/api/core/resource-quota.ts'
import { ServiceAccount } from '../../src/api/core/service-account.ts'
import type { AnyKind, AnyObject } from '../../src/api/kind.ts'
import { kinds } from '../../src/api/kinds.ts'
import { PodExplanation, type PodChange, type PodChangeStep } from '../../src/api/polypod/pod-explanation.ts'
import { isNotFound, statusOf } from '../../src/api/status.ts'
import { clientFromKubeconfig, type HttpClient } from '../../src/client/http.ts'
import { startCluster } from '../../src/cluster/start-cluster.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { manifests } from './explain-manifests.ts'
import type { Planted, Situation } from './explain-parts.ts'
import { situations } from './explain-situations.ts'

const kindOf = (name: string): AnyKind => {
  const found = kinds.find(({ kind }) => kind === name)
  assert.ok(found, name)
  return found
}
const refOf = ({ metadata: { name, namespace } }: Planted) => ({ name, namespace })

const create = (client: HttpClient, planted: Planted) => client.create(kindOf(planted.kind), planted as unknown as AnyObject)

async function isReady(client: HttpClient, planted: Planted): Promise<boolean> {
  const { status } = await client.get(Pod, refOf(planted))
  return status.conditions?.some(({ type, status: said }) => type === 'Ready' && said === 'True') ?? false
}

/** A fresh cluster in that situation. */
async function plant(situation: Situation) {
  const cluster = await startCluster({ nodes: 2, handlers: ['runc', 'kata'] })
  const client = await clientFromKubeconfig(cluster.kubeconfig)
  const { objects = [], nodes = {}, others = [], gone, pod, isManifest } = situation
  await eventually(() => client.get(ServiceAccount, { namespace: 'default', name: 'default' }))
  for (const one of objects) await create(client, one)
  for (const one of objects.filter(({ kind }) => kind === 'Namespace'))
    await eventually(() => client.get(ServiceAccount, { namespace: one.metadata.name, name: 'default' }))
  for (const one of objects.filter(({ kind }) => kind === 'ResourceQuota'))
    await eventually(async () => (await client.get(ResourceQuota, refOf(one))).status.used)
  for (const one of others) {
    await create(client, one)
    await eventually(() => isReady(client, one))
  }
  for (const [name, body] of Object.entries(nodes)) await client.patch(Node, { name }, { type: 'merge', body })
  if (!isManifest) await create(client, pod)
  if (gone) await client.delete(kindOf(gone.kind), { name: gone.name })
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.close()
      await cluster.close()
    },
  }
}

async function explained(client: HttpClient, { pod, isManifest }: Situation): Promise<PodExplanation> {
  if (!isManifest) return client.get(PodExplanation, refOf(pod))
  const { apiVersion, kind } = PodExplanation
  return client.create(PodExplanation, { apiVersion, kind, metadata: { ...refOf(pod) }, spec: { pod } })
}

/** Does what the steps say. */
async function carryOut(client: HttpClient, { pod, isManifest }: Situation, { steps }: PodChange): Promise<Planted> {
  let manifest = structuredClone(pod)
  const isAnew = isManifest === true || steps.some(({ recreate }) => recreate)
  for (const step of steps) {
    if (step.kind !== Pod.kind) await carryOutStep(client, step)
    else if (!isAnew) await client.patch(Pod, refOf(pod), { type: 'json', body: step.patch })
    else manifest = fastJsonPatch.applyPatch(manifest, step.patch as Operation[], true).newDocument
  }
  if (!isAnew) return pod
  if (!isManifest) {
    await client.delete(Pod, refOf(pod), { gracePeriodSeconds: 0 })
    await eventually(() => client.get(Pod, refOf(pod)).then(() => false, isNotFound))
  }
  // a quota follows its spec, and a namespace gets its account, within a moment
  await eventually(() => create(client, manifest))
  return manifest
}

async function carryOutStep(client: HttpClient, { kind, name, namespace, patch, object }: PodChangeStep): Promise<void> {
  if (object) await client.create(kindOf(kind), object as AnyObject)
  else await client.patch(kindOf(kind), { name, namespace }, { type: 'json', body: patch })
}

/** What a table says begins what is found; all of it where a table says all of it. */
const begins = (found: string | undefined, wanted: string | undefined) =>
  assert.equal(wanted === undefined ? found : found?.slice(0, wanted.length), wanted)

async function check(situation: Situation): Promise<void> {
  const { want } = situation
  const changes = await foundIn(situation, want)
  begins(changes[0]?.summary, want.change)
  for (const change of changes) {
    await using world = await plant(situation)
    if (!situation.isManifest) await eventually(() => isAsWanted(world.client, situation))
    const made = await carryOut(world.client, situation, change)
    await eventually(() => isReady(world.client, made), 20_000).catch((error: unknown) => {
      throw new Error(`"${change.summary}" did not let it run`, { cause: error })
    })
  }
}

async function isAsWanted(client: HttpClient, situation: Situation): Promise<true> {
  const { status } = await explained(client, situation)
  const [cause] = status?.causes ?? []
  const [type, message] = situation.want.cause
  assert.equal(cause?.type, type)
  begins(cause.message, message)
  return true
}

async function foundIn(situation: Situation, want: Situation['want']): Promise<readonly PodChange[]> {
  await using world = await plant(situation)
  await eventually(() => isAsWanted(world.client, situation))
  const found = await explained(world.client, situation)
  const { status } = found
  assert.equal(status?.verdict, want.verdict)
  if (situation.isManifest && want.verdict === 'Refused') await isRefusedInTheseWords(world.client, situation, status.causes?.[0])
  // where no change is told, at least where to look
  assert.ok((status.hints ?? []).length > 0 || (status.changes ?? []).length > 0)
  return status.changes ?? []
}

/** The trial on facts and the server itself never disagree. */
async function isRefusedInTheseWords(client: HttpClient, { pod }: Situation, cause: { message: string } | undefined) {
  const refused = await client.create(Pod, pod as unknown as Pod, { dryRun: true }).then(() => undefined, statusOf)
  assert.ok(refused?.message && cause?.message.startsWith(refused.message), `${refused?.message} / ${cause?.message}`)
}

for (const [title, rows] of Object.entries({ 'a Pod that does not run': situations, 'a manifest': manifests }))
  describe(title, () => {
    for (const row of rows) it(`${row.name}: its cause, and every change that is told`, () => check(row), 120_000)
  })
