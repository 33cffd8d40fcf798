// What is on the node and belongs to no Pod any more: left by Pods that were deleted while no kubelet ran, or by a crash.
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { PodCgroups } from './cgroup-fs.ts'
import type { Container, Runtime, Sandbox } from './cri/runtime.ts'
import { gracePeriodAnnotation, podUidLabel } from './pod-labels.ts'
import { ownerLabel } from './remove-pods.ts'
import { podsOnDisk, unmountVolumes } from './volumes.ts'

export interface OrphanWorld {
  runtime: Runtime
  owner: string
  dataDir: string
  logRoot: string
  cgroups: PodCgroups | undefined
  /** Whether a Pod of this uid is somebody's business. */
  isKnown: (podUid: string) => boolean
  log: (line: string) => void
}

/** Stops and removes it all. One that will not go is logged, and met again next time. Rejects when the runtime cannot be asked. */
export async function removeOrphans(world: OrphanWorld): Promise<void> {
  const { runtime, owner, isKnown } = world
  const ours = { [ownerLabel]: owner }
  const [sandboxes, containers] = await Promise.all([runtime.listSandboxes(ours), runtime.listContainers(ours)])
  const uids = new Set([...sandboxes, ...containers].map((each) => each.labels[podUidLabel] ?? ''))
  const of = (uid: string) => (each: Sandbox | Container) => each.labels[podUidLabel] === uid
  const orphans = [...uids].filter((uid) => !isKnown(uid))
  await Promise.all(
    orphans.map((uid) =>
      removePod(world, uid, { sandboxes: sandboxes.filter(of(uid)), containers: containers.filter(of(uid)) }).catch(
        (error: unknown) => world.log(`cannot remove what is left of Pod ${uid}: ${String(error)}`),
      ),
    ),
  )
  await removeRemains(world)
}

interface Left {
  sandboxes: readonly Sandbox[]
  containers: readonly Container[]
}

/** The spec is gone with the Pod: the grace period was noted at each container, hooks are not run. */
async function removePod({ runtime }: OrphanWorld, uid: string, { sandboxes, containers }: Left): Promise<void> {
  if (uid === '') return
  const grace = (c: Container) => Math.max(1, Number(c.annotations[gracePeriodAnnotation] ?? 30))
  await Promise.all(containers.map((c) => runtime.stopContainer(c.id, grace(c))))
  await Promise.all(containers.map((c) => runtime.removeContainer(c.id)))
  for (const { id } of sandboxes) {
    await runtime.stopSandbox(id)
    await runtime.removeSandbox(id)
  }
}

/** Directories, cgroups and logs whose Pod is neither known nor still in the runtime. */
async function removeRemains({ runtime, owner, dataDir, logRoot, cgroups, isKnown, log }: OrphanWorld): Promise<void> {
  const left = new Set((await runtime.listSandboxes({ [ownerLabel]: owner })).map((s) => s.labels[podUidLabel]))
  const isRemains = (uid: string) => !isKnown(uid) && !left.has(uid)
  const quietly = (what: string, work: Promise<void>) =>
    work.catch((error: unknown) => log(`cannot remove ${what}: ${String(error)}`))
  for (const uid of (await podsOnDisk(dataDir)).filter(isRemains))
    await quietly(`files of Pod ${uid}`, unmountVolumes(uid, dataDir))
  for (const key of (await cgroups?.list()) ?? [])
    if (isRemains(key.uid)) await quietly(`cgroup of Pod ${key.uid}`, cgroups?.remove(key) ?? Promise.resolve())
  for (const name of await readdir(logRoot).catch(() => []))
    if (isRemains(name.split('_')[2] ?? '')) await rm(join(logRoot, name), { recursive: true, force: true })
}
