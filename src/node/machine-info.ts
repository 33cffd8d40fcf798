// What a machine says of itself: node.status.nodeInfo and capacity.
import { readdir, readFile, statfs } from 'node:fs/promises'
import os from 'node:os'
import type { Node } from '../api/core/node.ts'
import type { ResourceList } from '../api/core/resources.ts'
import { kubernetesVersion } from '../api/version.ts'
import type { RuntimeVersion } from './cri/runtime.ts'

type NodeInfo = Node['status']['nodeInfo']

const firstLine = async (path: string): Promise<string> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n')[0]?.trim() ?? ''

/** As Go names this machine's architecture. */
export const goArch = (): string => ({ x64: 'amd64', ia32: '386' })[process.arch as string] ?? process.arch

export async function nodeInfo(runtime: RuntimeVersion): Promise<NodeInfo> {
  const [machineID, systemUUID, bootID, release] = await Promise.all([
    firstLine('/etc/machine-id'),
    firstLine('/sys/class/dmi/id/product_uuid'),
    firstLine('/proc/sys/kernel/random/boot_id'),
    readFile('/etc/os-release', 'utf8').catch(() => ''),
  ])
  return {
    machineID,
    // k8s: where there is no such number, the machine id stands in
    systemUUID: systemUUID || machineID,
    bootID,
    kernelVersion: os.release(),
    osImage: /^PRETTY_NAME="?([^"\n]*)/m.exec(release)?.[1] ?? os.type(),
    containerRuntimeVersion: `${runtime.name}://${runtime.version}`,
    kubeletVersion: kubernetesVersion,
    kubeProxyVersion: '',
    operatingSystem: 'linux',
    architecture: goArch(),
  }
}

/** cpu, memory, the disk that holds `dataDir`, huge pages, and `maxPods`. */
export async function machineCapacity(dataDir: string, maxPods: number): Promise<ResourceList> {
  const disk = await statfs(dataDir).catch(() => undefined)
  return {
    cpu: String(os.availableParallelism()),
    'ephemeral-storage': `${disk ? Math.floor((disk.blocks * disk.bsize) / 1024) : 0}Ki`,
    ...(await hugepages()),
    memory: `${Math.floor(os.totalmem() / 1024)}Ki`,
    pods: String(maxPods),
  }
}

async function hugepages(): Promise<ResourceList> {
  const root = '/sys/kernel/mm/hugepages'
  const found: ResourceList = {}
  for (const folder of await readdir(root).catch(() => [])) {
    const kib = Number(/^hugepages-(\d+)kB$/.exec(folder)?.[1])
    if (!kib) continue
    const count = Number(await firstLine(`${root}/${folder}/nr_hugepages`))
    const size = kib % 1048576 === 0 ? `${kib / 1048576}Gi` : kib % 1024 === 0 ? `${kib / 1024}Mi` : `${kib}Ki`
    found[`hugepages-${size}`] = String(count * kib * 1024)
  }
  return found
}
