// The life of Pods on a node, from binding to deletion: the same on simulated containers and on real ones.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import { Node } from '../../src/api/core/node.ts'
import { Pod } from '../../src/api/core/pod.ts'
import type { ContainerStatus } from '../../src/api/core/pod-status.ts'
import { Lease } from '../../src/api/coordination/lease.ts'
import { RuntimeClass } from '../../src/api/node/runtime-class.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { containerdLife, type Life, type LifeMaker, openLife, simulatedLife } from './pod-life-world.ts'
import { testedHandlers, whyNotOn } from './real-handlers.ts'

podLife('simulated', simulatedLife)
for (const handler of testedHandlers) podLife(`${handler} of containerd`, containerdLife(handler), await whyNotOn(handler))

const sleepFor = ['sleep', '1000']
const conditionsOf = (pod: Pod) => Object.fromEntries((pod.status.conditions ?? []).map((c) => [c.type, c.status]))
const main = (pod: Pod): ContainerStatus => pod.status.containerStatuses?.[0] as ContainerStatus
const isRunning = (pod: Pod) => pod.status.phase === 'Running' && conditionsOf(pod)['Ready'] === 'True'
/** Until `check` does not throw. */
const holds = (check: () => Promise<void>) => eventually(async () => (await check(), true), 20_000)
const says = (wanted: string, events: string[]) => assert(events.includes(wanted), `${wanted} is not in\n${events.join('\n')}`)

function podLife(name: string, make: LifeMaker, missing?: string): void {
  describe.skipIf(missing)(`a Pod's life on ${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    let life: Life
    beforeAll(async () => {
      life = await openLife(make)
    })
    afterAll(() => life?.close())
    const container = (more: Record<string, unknown> = {}) => ({ name: 'a', image: life.image, command: sleepFor, ...more })

    describe('node', () => {
      it('is registered, ready, and renews its Lease', async () => {
        const node = await life.client.get(Node, { name: 'node-1' })
        const ready = node.status.conditions?.find((c) => c.type === 'Ready')
        assert.equal(ready?.status, 'True')
        assert.equal(ready?.message, 'kubelet is posting ready status')
        assert.deepEqual(
          node.status.runtimeHandlers?.map((h) => h.name),
          ['', life.handler],
        )
        assert.equal(node.metadata.labels?.['kubernetes.io/hostname'], 'node-1')
        const lease = await eventually(() => life.client.get(Lease, { namespace: 'kube-node-lease', name: 'node-1' }))
        assert.equal(lease.spec.holderIdentity, 'node-1')
        assert.equal(lease.spec.leaseDurationSeconds, 40)
        assert.equal(lease.metadata.ownerReferences?.[0]?.uid, node.metadata.uid)
      })
    })

    describe('start and end', () => {
      it('runs, says so in full, and leaves nothing when deleted', async () => {
        await life.run('web', { containers: [container()] })
        const pod = await life.until('web', isRunning)
        assert.deepEqual(conditionsOf(pod), {
          ...{ PodReadyToStartContainers: 'True', Initialized: 'True', Ready: 'True', ContainersReady: 'True' },
          PodScheduled: 'True',
          ...(life.simulated ? {} : { 'polypod.dev/SandboxRuntime': 'True' }),
        })
        assert.equal(pod.status.qosClass, 'BestEffort')
        assert.equal(pod.status.hostIP, '127.0.0.1')
        assert.match(pod.status.podIP ?? '', /^10\./)
        const { state, restartCount, started, ready, containerID } = main(pod)
        assert.deepEqual([Object.keys(state), restartCount, started, ready], [['running'], 0, true, true])
        const [sandbox] = await life.runtime.listSandboxes({ 'io.kubernetes.pod.uid': pod.metadata.uid ?? '' })
        const [only] = await life.runtime.listContainers({ 'io.kubernetes.pod.uid': pod.metadata.uid ?? '' })
        assert.equal(containerID, `${life.simulated ? 'simulated' : 'containerd'}://${only?.id}`)
        assert.equal(sandbox?.metadata.attempt, 0)
        const events = await eventually(async () => {
          const said = await life.events('web')
          return said.length >= 3 ? said : undefined
        })
        says('Created: Created container: a', events)
        says('Started: Started container a', events)
        await life.end('web')
        says('Killing: Stopping container a', await life.events('web'))
        await holds(async () => {
          const left = await life.runtime.listSandboxes({ 'io.kubernetes.pod.uid': pod.metadata.uid ?? '' })
          assert.deepEqual(left, [])
          assert.deepEqual(readdirSync(join(life.dataDir, 'node', 'logs')), [])
          assert.equal(existsSync(join(life.dataDir, 'node', 'pods', pod.metadata.uid ?? '')), false)
        })
      })

      it('fails as a whole when a container that is never restarted fails', async () => {
        await life.run('fails', { restartPolicy: 'Never', containers: [container({ command: ['sh', '-c', 'exit 3'] })] })
        const pod = await life.until('fails', (p) => p.status.phase === 'Failed')
        assert.equal(main(pod).state.terminated?.exitCode, 3)
        assert.equal(main(pod).state.terminated?.reason, 'Error')
        assert.equal(pod.status.conditions?.find((c) => c.type === 'Ready')?.reason, 'PodFailed')
        await life.end('fails')
      })

      it('succeeds when all containers do, and keeps its log', async () => {
        const command = ['sh', '-c', 'echo well done']
        await life.run('job', { restartPolicy: 'OnFailure', containers: [container({ command })] })
        const pod = await life.until('job', (p) => p.status.phase === 'Succeeded')
        assert.equal(main(pod).state.terminated?.reason, 'Completed')
        assert.equal(conditionsOf(pod)['Initialized'], 'True')
        await life.end('job')
      })

      it('dies when its time is up', async () => {
        await life.run('late', { activeDeadlineSeconds: life.simulated ? 2 : 5, containers: [container()] })
        const pod = await life.until('late', (p) => p.status.phase === 'Failed' && main(p).state.terminated !== undefined)
        assert.equal(pod.status.reason, 'DeadlineExceeded')
        assert.equal(pod.status.message, 'Pod was active on the node longer than the specified deadline')
        await life.end('late')
      })

      it('goes cleanly when deleted while it starts', async () => {
        const pod = await life.run('brief', { containers: [container()] })
        await life.end('brief', 1)
        await holds(async () => {
          assert.deepEqual(await life.runtime.listSandboxes({ 'io.kubernetes.pod.uid': pod.metadata.uid ?? '' }), [])
        })
      })

      it('is not let in where it does not fit', async () => {
        await life.run('huge', { containers: [container({ resources: { requests: { cpu: '4000' } } })] })
        const pod = await life.until('huge', (p) => p.status.phase === 'Failed')
        assert.equal(pod.status.reason, 'OutOfcpu')
        assert.match(pod.status.message ?? '', /^Pod was rejected: Node didn't have enough resource: cpu, requested: 4000000, /)
        await life.end('huge')
      })
    })

    describe('order', () => {
      it('runs init containers one after the other, then the rest', async () => {
        const init = (n: string) => ({ name: n, image: life.image, command: ['sh', '-c', `echo ${n}`] })
        await life.run('steps', { initContainers: [init('one'), init('two')], containers: [container()] })
        const pod = await life.until('steps', isRunning)
        const ends = pod.status.initContainerStatuses?.map(({ name: n, ready, state }) => [n, ready, state.terminated?.reason])
        assert.deepEqual(ends, [
          ['one', true, 'Completed'],
          ['two', true, 'Completed'],
        ])
        await life.end('steps')
      })

      it('fails when an init container does and nothing is restarted', async () => {
        const bad = { name: 'bad', image: life.image, command: ['sh', '-c', 'exit 1'] }
        await life.run('noinit', { restartPolicy: 'Never', initContainers: [bad], containers: [container()] })
        const pod = await life.until('noinit', (p) => p.status.phase === 'Failed')
        assert.equal(main(pod).state.waiting?.reason, 'PodInitializing')
        const initialized = pod.status.conditions?.find((c) => c.type === 'Initialized')
        assert.equal(initialized?.message, 'containers with incomplete status: [bad]')
        await life.end('noinit')
      })

      it('starts sidecars before the rest and ends them with it', async () => {
        const sidecar = { name: 'side', image: life.image, command: sleepFor, restartPolicy: 'Always' }
        const command = ['sh', '-c', 'sleep 1; exit 0']
        await life.run('aided', { restartPolicy: 'Never', initContainers: [sidecar], containers: [container({ command })] })
        const running = await life.until('aided', (p) => main(p)?.state.running !== undefined)
        assert.equal(running.status.initContainerStatuses?.[0]?.started, true)
        const pod = await life.until('aided', (p) => p.status.phase === 'Succeeded' || p.status.phase === 'Failed')
        assert.equal(pod.status.phase, 'Succeeded')
        await life.until('aided', (p) => p.status.initContainerStatuses?.[0]?.state.terminated !== undefined)
        await life.end('aided')
      })
    })

    describe('restarts', () => {
      it('restarts at once the first time, then waits', async () => {
        await life.run('loop', { containers: [container({ command: ['sh', '-c', 'exit 2'] })] })
        const pod = await life.until('loop', (p) => main(p)?.state.waiting?.reason === 'CrashLoopBackOff')
        assert.equal(main(pod).restartCount, 1)
        assert.equal(main(pod).lastState.terminated?.exitCode, 2)
        const where = `loop_default(${pod.metadata.uid})`
        assert.equal(main(pod).state.waiting?.message, `back-off 10s restarting failed container=a pod=${where}`)
        assert.equal(pod.status.phase, 'Running')
        await holds(async () =>
          says(`BackOff: Back-off restarting failed container a in pod ${where}`, await life.events('loop')),
        )
        await life.end('loop')
      })

      it('restarts a container that fails its liveness probe', async () => {
        const livenessProbe = { exec: { command: ['false'] }, periodSeconds: 1, failureThreshold: 1 }
        await life.run('sick', { terminationGracePeriodSeconds: 1, containers: [container({ livenessProbe })] })
        const pod = await life.until('sick', (p) => (main(p)?.restartCount ?? 0) > 0)
        assert.notEqual(main(pod).lastState.terminated, undefined)
        says('Killing: Container a failed liveness probe, will be restarted', await life.events('sick'))
        await life.end('sick', 1)
      })

      it('is ready only once its readiness probe says so', async () => {
        const readinessProbe = { exec: { command: ['true'] }, periodSeconds: 1, initialDelaySeconds: 2 }
        await life.run('slow', { containers: [container({ readinessProbe })] })
        const early = await life.until('slow', (p) => main(p)?.state.running !== undefined)
        assert.equal(main(early).ready, false)
        assert.equal(
          early.status.conditions?.find((c) => c.type === 'ContainersReady')?.message,
          'containers with unready status: [a]',
        )
        await life.until('slow', isRunning)
        await life.end('slow')
      })

      it('makes a new sandbox when the first one dies', async () => {
        const { metadata } = await life.run('bereft', { containers: [container()] })
        await life.until('bereft', isRunning)
        const [sandbox] = await life.runtime.listSandboxes({ 'io.kubernetes.pod.uid': metadata.uid ?? '' })
        await life.runtime.stopSandbox(sandbox?.id ?? '')
        const pod = await life.until('bereft', (p) => isRunning(p) && main(p).restartCount > 0)
        // a real container may have been started once more in the dying sandbox, in vain
        assert.ok([137, 128].includes(main(pod).lastState.terminated?.exitCode ?? 0))
        says('SandboxChanged: Pod sandbox changed, it will be killed and re-created.', await life.events('bereft'))
        await life.end('bereft')
      })

      it('takes over what runs after the node was away, and ends what was deleted meanwhile', async () => {
        await life.run('kept', { containers: [container()] })
        const gone = await life.run('dropped', { containers: [container()] })
        const before = await life.until('kept', isRunning)
        await life.until('dropped', isRunning)
        await life.stopNode()
        await life.client.delete(Pod, { namespace: 'default', name: 'dropped' }, { gracePeriodSeconds: 0 })
        await life.startNode()
        await holds(async () => {
          assert.deepEqual(await life.runtime.listSandboxes({ 'io.kubernetes.pod.uid': gone.metadata.uid ?? '' }), [])
        })
        const after = await life.until('kept', isRunning)
        assert.equal(main(after).containerID, main(before).containerID)
        assert.deepEqual(after.status, before.status)
        await life.end('kept')
      })
    })

    describe('a runtime that dies', () => {
      it('costs no running container, and no Pod that was being started', async ({ skip }) => {
        if (!life.crash) skip('a simulated runtime lives and dies with its node')
        await life.run('steady', { containers: [container()] })
        const before = await life.until('steady', isRunning)
        const ready = async () =>
          (await life.client.get(Node, { name: 'node-1' })).status.conditions?.find((c) => c.type === 'Ready')
        await life.run('caught', { containers: [container()] })
        await life.until('caught', (p) => p.status.startTime !== undefined)
        life.crash?.()
        await holds(async () => assert.equal((await ready())?.message, 'container runtime is down'))
        await holds(async () => assert.equal((await ready())?.status, 'True'))
        const caught = await life.until('caught', isRunning, 40_000)
        const uid = { 'io.kubernetes.pod.uid': caught.metadata.uid ?? '' }
        const alive = (await life.runtime.listContainers(uid)).filter((c) => c.state === 'running')
        assert.deepEqual(
          alive.map((c) => `containerd://${c.id}`),
          [main(caught).containerID],
        )
        assert.deepEqual((await life.get('steady')).status.containerStatuses, before.status.containerStatuses)
        await life.end('caught')
        await life.end('steady')
      })
    })

    describe('what is missing', () => {
      it('waits for the class of a Pod, and runs it once there is one', async () => {
        await life.run('classy', { runtimeClassName: 'nice', containers: [container()] })
        const why = 'FailedCreatePodSandBox: Failed to create pod sandbox: runtimeclass.node.k8s.io "nice" not found'
        await holds(async () => says(why, await life.events('classy')))
        assert.equal((await life.get('classy')).status.phase, 'Pending')
        const metadata = { name: 'nice' }
        await life.client.create(RuntimeClass, RuntimeClass.decode({ metadata, handler: life.handler }, { unknown: [] }))
        await life.until('classy', isRunning)
        await life.end('classy')
      })

      it('names the handler that the runtime does not know', async () => {
        const metadata = { name: 'odd' }
        await life.client.create(RuntimeClass, RuntimeClass.decode({ metadata, handler: 'nowhere' }, { unknown: [] }))
        await life.run('odd', { runtimeClassName: 'odd', containers: [container()] })
        await holds(async () => {
          const said = await life.events('odd')
          assert(
            said.some((e) => /^FailedCreatePodSandBox: .*no runtime for "nowhere" is configured/.test(e)),
            said.join('\n'),
          )
        })
        assert.equal((await life.get('odd')).status.phase, 'Pending')
        await life.end('odd')
      })

      it('waits for a ConfigMap that its environment names', async () => {
        const env = [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'paint', key: 'colour' } } }]
        await life.run('painted', { containers: [container({ env })] })
        const pod = await life.until('painted', (p) => main(p)?.state.waiting?.reason === 'CreateContainerConfigError')
        assert.equal(main(pod).state.waiting?.message, 'configmap "paint" not found')
        const metadata = { name: 'paint', namespace: 'default' }
        await life.client.create(ConfigMap, ConfigMap.decode({ metadata, data: { colour: 'red' } }, { unknown: [] }))
        await life.until('painted', isRunning)
        await life.end('painted')
      })

      it('says that an image may not be pulled', async () => {
        await life.run('bare', { containers: [container({ image: 'nowhere.invalid/none:1', imagePullPolicy: 'Never' })] })
        const pod = await life.until('bare', (p) => main(p)?.state.waiting?.reason === 'ErrImageNeverPull')
        assert.equal(pod.status.phase, 'Pending')
        await life.end('bare')
      })
    })
  })
}
