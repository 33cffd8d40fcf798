// What the parts of the scheduler share.
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'
import type { Profile } from '../placement/profile.ts'
import type { PodQueue } from './queue.ts'
import type { Room } from './room.ts'
import type { Snapshot } from './snapshot.ts'

export interface SchedulerWorld {
  client: Client
  clock: Clock
  profile: Profile
  /** spec.schedulerName of the Pods that are ours. */
  name: string
  snapshot: Snapshot
  queue: PodQueue
  events: EventRecorder
  /** Is told of everything that may let a waiting Pod fit. */
  room: Room
  log: (line: string, cause?: unknown) => void
  /** Runs a write beside the decisions; a failure it does not handle itself is logged. */
  spawn: (task: () => Promise<void>) => void
}
