// Images of containers: present or pulled, once at a time, with back-off per image.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Clock } from '../lib/clock.ts'
import type { Image, Runtime } from './cri/runtime.ts'
import type { PodEvents } from './pod-events.ts'

export type ImagePullReason = 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError'

/** The container's waiting reason and message. Ask again after `retryAfterMs`. */
export class ImagePullError extends Error {
  override name = 'ImagePullError'
  readonly reason: ImagePullReason
  readonly retryAfterMs: number
  constructor(reason: ImagePullReason, message: string, retryAfterMs: number) {
    super(message)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

export interface PullAuth {
  username: string
  password: string
  server?: string | undefined
}

export interface ImagePuller {
  /** The image is on the machine when this resolves: `ref` is what the runtime calls it. Rejects with ImagePullError. */
  ensure(pod: Pod, container: Container, auth?: PullAuth): Promise<{ ref: string; image: Image | undefined }>
}

export interface ImagePullerOptions {
  runtime: Pick<Runtime, 'imageStatus' | 'pullImage'>
  clock: Clock
  events: PodEvents
}

export function imagePuller(options: ImagePullerOptions): ImagePuller {
  throw new Error(`not written yet: ${Object.keys(options).join()}`)
}
