// What a cluster that was killed has left running, and who serves it.
import type { Clock } from '../lib/clock.ts'
import { instanceName, instancePaths } from '../node/containerd/instance-paths.ts'
import type { DataDir } from './data-dir.ts'
import type { Settings } from './settings.ts'

export interface Remains {
  /** Where their runtime serves CRI. */
  criSocket: string
  /** Of our own containerd; absent when it ended as well, or the runtime is one that others use too. */
  containerdPid?: number | undefined
  /** Pods with a live sandbox; absent when the runtime does not tell. */
  pods?: number | undefined
}

const patienceMs = 5000

/** Undefined when nothing is left, or when this user may not know. Never rejects because of a runtime that is gone. */
export async function remainsOf(dir: DataDir, { runtime }: Settings, clock: Clock): Promise<Remains | undefined> {
  if (runtime.kind === 'simulated') return undefined
  if (runtime.kind === 'cri') {
    const pods = await livePods(runtime.socket, dir, clock)
    return pods === undefined || pods === 0 ? undefined : { criSocket: runtime.socket, pods }
  }
  const [{ runningInstance }, { shimsOf }] = await Promise.all([
    import('../node/containerd/instance-process.ts'),
    import('../node/containerd/shims.ts'),
  ])
  const paths = instancePaths(dir.path)
  const containerd = await runningInstance(paths, clock)
  if (containerd)
    return { criSocket: paths.socket, containerdPid: containerd.pid, pods: await livePods(paths.socket, dir, clock) }
  return (await shimsOf(paths)).length > 0 ? { criSocket: paths.socket } : undefined
}

/** Those of this cluster, and not what proves or measures its handlers. */
async function livePods(socket: string, dir: DataDir, clock: Clock): Promise<number | undefined> {
  const [{ criRuntime }, { ownerLabel }] = await Promise.all([import('../node/cri/grpc.ts'), import('../node/remove-pods.ts')])
  const ours = { [ownerLabel]: instanceName(dir.path) }
  const runtime = criRuntime(socket)
  const over = new AbortController()
  try {
    const sandboxes = await Promise.race([runtime.listSandboxes(ours), clock.sleep(patienceMs, over.signal)])
    return sandboxes?.filter(({ state }) => state === 'ready').length
  } catch {
    return undefined
  } finally {
    over.abort()
    await runtime.close()
  }
}
