// Runs a controller: watches, a queue of keys, workers, and what becomes of failures. No controller writes a loop.
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { isConflict, isNotFound } from '../api/status.ts'
import type { Client, Ref } from '../client/client.ts'
import { eventRecorder } from '../client/event-recorder.ts'
import { keyOf, type Mirror } from '../client/mirror.ts'
import { type Mirrors, mirrorsOf } from '../client/mirrors.ts'
import type { Clock } from '../lib/clock.ts'
import { type KeyQueue, keyQueue } from '../lib/queue.ts'
import type { Controller, Mirrored, World } from './controller.ts'

export interface RunOptions {
  client: Client
  clock: Clock
  /** Default: its own. */
  mirrors?: Mirrors | undefined
  log?: ((line: string, cause?: unknown) => void) | undefined
}

const workers = 4
const conflictTries = 5

/** Runs until `signal` aborts; resolves then, after the turns at work have ended. Never rejects. */
export async function runController(controller: Controller, options: RunOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, log = () => {} } = options
  const { mirrors = mirrorsOf({ client, clock, signal, log }) } = options
  const queue = keyQueue(clock)
  const mirrored = await openMirrors(controller, mirrors, queue, signal)
  const events = eventRecorder(client, { component: controller.component ?? controller.name, clock })
  const world: World = { client, clock, events, mirrored }
  for (const ref of controller.starts ?? []) queue.add(keyOf(ref))
  const work = async () => {
    for (let key = await queue.take(signal); key !== undefined; key = await queue.take(signal)) {
      const failure = await turn(controller, key, world, queue)
      if (failure && !signal.aborted) log(`${controller.name}: ${key}: ${failure.text}`, failure.cause)
      queue.done(key)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  queue.close()
}

const empty: Mirror<never> = { get: () => undefined, list: () => [] }

/** Resolves when every mirror has listed. */
async function openMirrors(controller: Controller, mirrorOf: Mirrors, queue: KeyQueue, signal: AbortSignal): Promise<Mirrored> {
  const mirrors = new Map<AnyKind, Mirror<AnyObject>>()
  const mirrored: Mirrored = (kind) => (mirrors.get(kind) ?? empty) as Mirror<never>
  await Promise.all(
    controller.watches.map(async ({ kind, where, wakes }) => {
      const opened = await mirrorOf(kind, {
        ...{ where, signal },
        onChange: (change) => {
          for (const ref of wakes(change, mirrored)) queue.add(keyOf(ref))
        },
      })
      mirrors.set(kind, opened)
    }),
  )
  return mirrored
}

/** One look at one key. Returns what went wrong, when that is worth a line in the log. */
async function turn(
  controller: Controller,
  key: string,
  world: World,
  queue: KeyQueue,
): Promise<{ text: string; cause: unknown } | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      const again = await controller.reconcile(refOfKey(key), world)
      queue.forget(key)
      if (again) queue.after(again.againMs, key)
      return undefined
    } catch (error) {
      if (isNotFound(error)) {
        queue.forget(key)
        return undefined
      }
      if (isConflict(error) && tries < conflictTries) continue
      queue.retry(key)
      // somebody else was faster, several times: the mirror is behind, and will catch up
      return isConflict(error) ? undefined : { text: textOf(error), cause: error }
    }
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function refOfKey(key: string): Ref {
  const slash = key.indexOf('/')
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}
