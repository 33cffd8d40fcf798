import assert from 'node:assert/strict'
import { once } from 'node:events'
import { create, toBinary } from '@bufbuild/protobuf'
import { describe, it } from 'vitest'
import { TaskExitSchema } from '../../gen/containerd/events_pb.js'
import { ContainerState, PodSandboxState } from '../../gen/cri_pb.js'
import { containerEvents, type EventServices } from './grpc-events.ts'
import { RuntimeError } from './runtime.ts'

/** containerd 1.6 tells of the end of `c`; CRI then says of it what `states` say, one after the other. */
function services(states: readonly (ContainerState | undefined)[], sandbox?: PodSandboxState) {
  const left = [...states]
  const event = { value: toBinary(TaskExitSchema, create(TaskExitSchema, { containerId: 'c', id: 'c' })) }
  const labels = { 'io.kubernetes.pod.uid': 'u' }
  const made = {
    events: {
      async *subscribe(_: unknown, { signal }: { signal: AbortSignal }) {
        yield { topic: '/tasks/exit', event }
        await once(signal, 'abort')
      },
    },
    runtime: {
      getContainerEvents() {
        throw new RuntimeError('Unimplemented', 'unknown method GetContainerEvents')
      },
      async listContainers() {
        const state = left.shift()
        return { containers: state === undefined ? [] : [{ state, labels }] }
      },
      listPodSandbox: async () => ({ items: sandbox === undefined ? [] : [{ state: sandbox, metadata: { uid: 'u' } }] }),
    },
  }
  return { left, made: made as unknown as EventServices }
}

describe('the end of a container, as containerd 1.6 tells it', () => {
  const { CONTAINER_CREATED: created, CONTAINER_RUNNING: running, CONTAINER_EXITED: exited } = ContainerState
  const ended = { podUid: 'u', containerId: 'c', type: 'stopped' }
  const told = async (made: EventServices) => {
    for await (const event of containerEvents(made, new AbortController().signal)) return event
    return undefined
  }

  it('is told once CRI has noted it', async () => {
    const { left, made } = services([running, running, exited])
    assert.deepEqual([await told(made), left], [ended, []])
  })

  it('is not told of one that CRI has not even seen start: it ended that soon', async () => {
    const { left, made } = services([undefined, created, running, exited])
    assert.deepEqual([await told(made), left], [ended, []])
  })

  it('is that of a sandbox, too', async () => {
    const { made } = services([], PodSandboxState.SANDBOX_NOTREADY)
    assert.deepEqual(await told(made), ended)
  })
})
