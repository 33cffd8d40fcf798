// The heartbeat of a node: its Lease in kube-node-lease, renewed every ten seconds.
import { Lease } from '../api/coordination/lease.ts'
import { Node } from '../api/core/node.ts'
import { isConflict, isNotFound, unlessNotFound } from '../api/status.ts'
import type { Client } from '../client/client.ts'
import { type Clock, rfc3339Micro } from '../lib/clock.ts'

export const leaseSeconds = 40
const renewEveryMs = 10_000
const retryMs = 1000
const namespace = 'kube-node-lease'

export interface LeaseOptions {
  client: Pick<Client, 'get' | 'create' | 'update'>
  clock: Clock
  signal: AbortSignal
  log: (line: string) => void
}

/** Until `signal` aborts. Never rejects. */
export async function keepLease(node: Node, { client, clock, signal, log }: LeaseOptions): Promise<void> {
  let held: Lease | undefined
  while (!signal.aborted) {
    try {
      held = await renew(client, clock, node, held)
      await clock.sleep(renewEveryMs, signal)
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) log(`cannot renew the lease of node ${node.metadata.name}: ${String(error)}`)
      held = undefined
      await clock.sleep(retryMs, signal)
    }
  }
}

async function renew(client: LeaseOptions['client'], clock: Clock, node: Node, held: Lease | undefined): Promise<Lease> {
  const { name, uid = '' } = node.metadata
  const present = held ?? (await client.get(Lease, { namespace, name }).catch(unlessNotFound))
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: rfc3339Micro(clock.now()) }
  const owner = { apiVersion: Node.apiVersion, kind: Node.kind, name, uid }
  if (present) {
    const metadata = { ...present.metadata, ownerReferences: [owner] }
    return client.update(Lease, { ...present, metadata, spec: { ...present.spec, ...spec } })
  }
  const metadata = { name, namespace, ownerReferences: [owner] }
  return client.create(Lease, { apiVersion: Lease.apiVersion, kind: Lease.kind, metadata, spec })
}
