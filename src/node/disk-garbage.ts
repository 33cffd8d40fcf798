// Room on the disk that nobody needs: dead containers that newer ones have replaced, and images no container uses.
import type { Clock } from '../lib/clock.ts'
import type { ContainerStatus, Image, Runtime } from './cri/runtime.ts'

export interface DiskGarbage {
  /** Removes what it can; what will not go is logged. */
  collect(): Promise<void>
}

export interface GarbageWorld {
  runtime: Pick<Runtime, 'listImages' | 'removeImage' | 'listContainers' | 'removeContainer'>
  clock: Clock
  /** Of each Pod, newest first. */
  containers: () => readonly (readonly ContainerStatus[])[]
  log: (line: string) => void
}

// k8s: imageMinimumGCAge: an image may have been pulled for a container that is not made yet
const youngMs = 120_000
/** Sandboxes need it, and no container names it. */
const isPause = ({ repoTags, repoDigests }: Image): boolean =>
  [...repoTags, ...repoDigests].some((name) => /(^|\/)pause(-[a-z0-9]+)?[:@]/.test(name))

export function diskGarbage(world: GarbageWorld): DiskGarbage {
  const firstSeen = new Map<string, number>()
  const initial = world.runtime.listImages().then(
    (images) => images.forEach(({ id }) => firstSeen.set(id, -Infinity)),
    () => undefined,
  )
  return {
    async collect() {
      await initial
      await attempt(world, 'dead containers', () => collectContainers(world))
      await attempt(world, 'unused images', () => collectImages(world, firstSeen))
    },
  }
}

async function attempt({ log }: GarbageWorld, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log(`cannot remove ${what}: ${String(error)}`)
  }
}

/** The last run of each container stays: its state is still to be told. */
async function collectContainers({ runtime, containers }: GarbageWorld): Promise<void> {
  for (const ofPod of containers()) {
    const newer = new Set<string>()
    for (const { id, metadata, state } of ofPod) {
      if (newer.has(metadata.name) && state === 'exited') await runtime.removeContainer(id)
      newer.add(metadata.name)
    }
  }
}

async function collectImages({ runtime, clock }: GarbageWorld, firstSeen: Map<string, number>): Promise<void> {
  const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()])
  const used = new Set(containers.flatMap(({ image, imageRef }) => [image, imageRef]))
  for (const image of images) {
    const since = firstSeen.get(image.id) ?? clock.now()
    firstSeen.set(image.id, since)
    const names = [image.id, ...image.repoTags, ...image.repoDigests]
    if (isPause(image) || names.some((name) => used.has(name)) || clock.now() - since < youngMs) continue
    await runtime.removeImage(image.id)
    firstSeen.delete(image.id)
  }
}
