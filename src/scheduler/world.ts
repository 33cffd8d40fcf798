// What the parts of the scheduler share.
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'
import type { NodeView } from '../placement/node-view.ts'
import type { Profile } from '../placement/profile.ts'
import type { PodQueue } from './queue.ts'
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
  /** This node has changed for the better. */
  roomOn: (node: NodeView) => void
  log: (line: string, cause?: unknown) => void
  /** Runs a write beside the decisions; a failure it does not handle itself is logged. */
  spawn: (task: () => Promise<void>) => void
}
