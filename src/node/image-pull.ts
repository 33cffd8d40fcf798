// Images of containers: present or pulled, once at a time, with back-off per Pod and image.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import { delayAfter } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { fullImageName } from './cri/image-name.ts'
import type { Image, Runtime } from './cri/runtime.ts'
import { goDuration } from './go-duration.ts'
import { imageNameError } from './image-reference.ts'
import type { PodEvents } from './pod-events.ts'

export type ImagePullReason = 'ErrImagePull' | 'ImagePullBackOff' | 'ErrImageNeverPull' | 'InvalidImageName' | 'ImageInspectError'

/** The container's waiting reason and message; the events are recorded already. Ask again after `retryAfterMs`. */
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
  server?: string
}

export interface PresentImage {
  /** What the runtime calls it. */
  ref: string
  image: Image | undefined
}

export interface ImagePuller {
  /** The image is on the machine when this resolves. Rejects with ImagePullError. `auths` are tried in turn. */
  ensure(pod: Pod, container: Container, auths?: readonly PullAuth[]): Promise<PresentImage>
}

export interface ImagePullerOptions {
  runtime: Pick<Runtime, 'imageStatus' | 'pullImage'>
  clock: Clock
  events: PodEvents
}

interface Failed {
  failures: number
  atMs: number
  message: string
}

type Pull = Promise<{ ref: string; tookMs: number }>

interface Puller extends ImagePullerOptions {
  /** By Pod uid and image. */
  failed: Map<string, Failed>
  /** By full image name and who asks: callers that come while it runs share it. */
  pulling: Map<string, Pull>
}

// k8s: the kubelet's own numbers
const delays = { baseMs: 10_000, maxMs: 300_000 }
/** For what only a change of the Pod can help. */
const syncMs = 10_000

export function imagePuller(options: ImagePullerOptions): ImagePuller {
  const puller: Puller = { ...options, failed: new Map(), pulling: new Map() }
  return { ensure: (pod, container, auths = []) => ensure(puller, { pod, container, auths, image: container.image ?? '' }) }
}

interface Asked {
  pod: Pod
  container: Container
  auths: readonly PullAuth[]
  image: string
}

async function ensure(puller: Puller, asked: Asked): Promise<PresentImage> {
  const { pod, image } = asked
  const invalid = imageNameError(image)
  if (invalid) {
    const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": ${invalid}`
    tell(puller, asked, 'Warning', 'InspectFailed', message)
    throw refused(puller, asked, new ImagePullError('InvalidImageName', message, syncMs))
  }
  const present = await inspect(puller, asked)
  const policy = asked.container.imagePullPolicy
  if (present && policy !== 'Always') {
    tell(puller, asked, 'Normal', 'Pulled', `Container image "${image}" already present on machine`)
    return { ref: present.id, image: present }
  }
  if (policy === 'Never') {
    const message = `Container image "${image}" is not present with pull policy of Never`
    tell(puller, asked, 'Warning', 'ErrImageNeverPull', message)
    throw refused(puller, asked, new ImagePullError('ErrImageNeverPull', message, syncMs))
  }
  const key = `${pod.metadata.uid}_${image}`
  const waitMs = backoffLeft(puller, key)
  if (waitMs > 0) {
    tell(puller, asked, 'Normal', 'BackOff', `Back-off pulling image "${image}"`)
    // k8s: the reason of the last failure stays readable while waiting
    const message = `Back-off pulling image "${image}": ErrImagePull: ${puller.failed.get(key)?.message}`
    throw refused(puller, asked, new ImagePullError('ImagePullBackOff', message, waitMs))
  }
  return pullNow(puller, asked, key)
}

async function inspect(puller: Puller, asked: Asked): Promise<Image | undefined> {
  try {
    return await puller.runtime.imageStatus(asked.image)
  } catch (error) {
    const message = `Failed to inspect image "${asked.image}": ${(error as Error).message}`
    tell(puller, asked, 'Warning', 'InspectFailed', message)
    throw refused(puller, asked, new ImagePullError('ImageInspectError', message, syncMs))
  }
}

/** Milliseconds until the next try may be made. */
function backoffLeft({ failed, clock }: Puller, key: string): number {
  const last = failed.get(key)
  return last ? Math.max(0, last.atMs + delayAfter(last.failures, delays) - clock.now()) : 0
}

async function pullNow(puller: Puller, asked: Asked, key: string): Promise<PresentImage> {
  const { clock, failed } = puller
  const { image } = asked
  const askedAt = clock.now()
  tell(puller, asked, 'Normal', 'Pulling', `Pulling image "${image}"`)
  try {
    const { ref, tookMs } = await shared(puller, asked)
    const pulled = await puller.runtime.imageStatus(ref).catch(() => undefined)
    failed.delete(key)
    const waited = goDuration(Math.max(tookMs, clock.now() - askedAt))
    const size = pulled?.sizeBytes ?? 0
    const message = `Successfully pulled image "${image}" in ${goDuration(tookMs)} (${waited} including waiting). Image size: ${size} bytes.`
    tell(puller, asked, 'Normal', 'Pulled', message)
    return { ref, image: pulled }
  } catch (error) {
    const { message } = error as Error
    tell(puller, asked, 'Warning', 'Failed', `Failed to pull image "${image}": ${message}`)
    forgetOld(puller)
    const failures = (failed.get(key)?.failures ?? 0) + 1
    failed.set(key, { failures, atMs: clock.now(), message })
    throw refused(puller, asked, new ImagePullError('ErrImagePull', message, delayAfter(failures, delays)))
  }
}

/** The pull of this image that runs already, or a new one. */
function shared(puller: Puller, { image, auths }: Asked): Pull {
  const key = JSON.stringify([fullImageName(image), auths])
  const running = puller.pulling.get(key)
  if (running) return running
  const startedAt = puller.clock.now()
  const pull = pullWith(puller, image, auths)
    .then((ref) => ({ ref, tookMs: puller.clock.now() - startedAt }))
    .finally(() => puller.pulling.delete(key))
  puller.pulling.set(key, pull)
  return pull
}

/** k8s: each credential is tried; without any the pull is anonymous. All failures are told. */
async function pullWith({ runtime }: Puller, image: string, auths: readonly PullAuth[]): Promise<string> {
  if (auths.length === 0) return runtime.pullImage(image)
  const failures: string[] = []
  for (const auth of auths) {
    try {
      return await runtime.pullImage(image, auth)
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  throw new Error(failures.length === 1 ? failures[0] : `[${[...new Set(failures)].join(', ')}]`)
}

/** k8s: who has not failed for twice the longest delay starts anew. */
function forgetOld({ failed, clock }: Puller): void {
  for (const [key, { atMs }] of failed) if (clock.now() - atMs > 2 * delays.maxMs) failed.delete(key)
}

/** k8s: besides its own event, every failure is also told as the reason why the container does not start. */
function refused(puller: Puller, asked: Asked, error: ImagePullError): ImagePullError {
  tell(puller, asked, 'Warning', 'Failed', `Error: ${error.reason}`)
  return error
}

type What = [type: 'Normal' | 'Warning', reason: string, message: string]

function tell({ events }: Puller, { pod, container }: Asked, ...what: What): void {
  events.event({ pod, container: container.name }, ...what)
}
