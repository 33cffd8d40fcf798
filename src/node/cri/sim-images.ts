// Images of the simulated runtime: every name can be pulled, unless it says it is missing.
import { createHash } from 'node:crypto'
import { fullImageName, repositoryOf } from './image-name.ts'
import { type Image, type Runtime, RuntimeError } from './runtime.ts'
import type { SimState, SimWorld } from './sim-state.ts'

type ImageCalls = 'listImages' | 'imageStatus' | 'pullImage' | 'removeImage' | 'imageFsInfo'

export function simImageCalls({ state, options }: SimWorld): Pick<Runtime, ImageCalls> {
  return {
    listImages: async () => [...new Set(state.images.values())].map((id) => imageOf(state, id)),
    async imageStatus(image) {
      const id = imageIdOf(state, image)
      return id === undefined ? undefined : imageOf(state, id)
    },
    async pullImage(image) {
      const name = fullImageName(image)
      if (options.pullMs) await state.clock.sleep(options.pullMs)
      if (name.startsWith('missing.invalid/') || name.endsWith(':missing'))
        throw new RuntimeError(
          'NotFound',
          `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${name}: not found`,
        )
      const id = `sha256:${createHash('sha256').update(name).digest('hex')}`
      state.images.set(name, id)
      return id
    },
    async removeImage(image) {
      const id = imageIdOf(state, image)
      for (const [name, present] of state.images) if (present === id) state.images.delete(name)
    },
    imageFsInfo: async () => ({
      mountpoint: '/simulated',
      usedBytes: state.images.size * 1_000_000,
      inodesUsed: state.images.size,
    }),
  }
}

/** `image` may be a name in any spelling, an id, or a repository with digest. */
export function imageIdOf(state: SimState, image: string): string | undefined {
  const byName = state.images.get(fullImageName(image))
  if (byName !== undefined) return byName
  const digest = /sha256:[0-9a-f]{64}$/.exec(image)?.[0]
  return [...state.images.values()].find((id) => id === digest)
}

export function imageOf(state: SimState, id: string): Image {
  const repoTags = [...state.images].filter(([, present]) => present === id).map(([name]) => name)
  const repoDigests = [...new Set(repoTags.map((name) => `${repositoryOf(name)}@${id}`))]
  return { id, repoTags, repoDigests, sizeBytes: 1_000_000, uid: 0, username: undefined }
}
