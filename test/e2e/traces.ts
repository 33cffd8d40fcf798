// What a cluster on real containers leaves on the machine, and what a runtime has of it.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { instanceName, instancePaths } from '../../src/node/containerd/instance-paths.ts'
import { criRuntime } from '../../src/node/cri/grpc.ts'
import type { Runtime } from '../../src/node/cri/runtime.ts'
import { run } from './polypod.ts'

/** Processes, mounts, links, cgroups and files under /run of the cluster in `dataDir`; empty when nothing is left. */
export async function tracesOf(dataDir: string): Promise<string[]> {
  const { id, bridge, run: runDir } = instancePaths(dataDir)
  const { stdout: processes } = await run('ps', ['-eo', 'pid,args'])
  const links = await readdir('/sys/class/net')
  return [
    ...processes.split('\n').filter((line) => line.includes(id) || line.includes(dataDir)),
    ...(await mountsWith(id)),
    ...(await mountsWith(dataDir)),
    ...links.filter((name) => name === bridge),
    ...(await cgroupsNamed(instanceName(dataDir))),
    ...(await readdir(runDir).catch(() => [])),
  ]
}

export async function mountsWith(text: string): Promise<string[]> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  return mounts.split('\n').filter((line) => line.includes(text))
}

/** Of any hierarchy, v1 or v2, at any depth. */
export async function cgroupsNamed(text: string): Promise<string[]> {
  const { stdout } = await run('find', ['/sys/fs/cgroup', '-type', 'd', '-name', `*${text}*`])
  return stdout.split('\n').filter((line) => line !== '')
}

/** Links at the bridge of the cluster's Pods: one for each network namespace. */
export const bridgePorts = (dataDir: string): Promise<string[]> =>
  readdir(join('/sys/class/net', instancePaths(dataDir).bridge, 'brif')).catch(() => [])

export async function withRuntime<T>(socket: string, use: (runtime: Runtime) => Promise<T>): Promise<T> {
  const runtime = criRuntime(socket)
  try {
    return await use(runtime)
  } finally {
    await runtime.close()
  }
}
