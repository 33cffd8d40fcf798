// The Pod network of a cluster: a bridge of its own, addresses from a subnet of its own, host ports where they can work.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { writeAtomically } from '../../lib/atomic-file.ts'
import { command } from './command.ts'
import { findBinaries } from './binaries.ts'
import { type InstancePaths, runRoot } from './instance-paths.ts'
import { freeSubnet } from './subnet.ts'

export interface PodNetwork {
  bridge: string
  /** Address of the node on the bridge. */
  gateway: string
  subnet: string
  binDir: string
  /** Why Pods get no host ports; undefined when they do. */
  noHostPorts?: string | undefined
}

export interface NetworkOptions {
  subnet?: string | undefined
  /** Lets Pods out by the node's address; default false: traffic stays on addresses we made. */
  ipMasq?: boolean | undefined
}

/** Writes the CNI configuration. A subnet once chosen is kept: running Pods have addresses from it. */
export async function setUpNetwork(
  paths: InstancePaths,
  iptables: string | undefined,
  options: NetworkOptions,
): Promise<PodNetwork> {
  const binDir = await pluginFolder()
  const plugins = await findBinaries(['portmap'], [binDir])
  const noHostPorts = plugins.has('portmap') ? await whyNoPortmap(iptables) : `no portmap plugin in ${binDir}`
  const subnet = options.subnet ?? (await keptSubnet(paths)) ?? freeSubnet(paths.id, await takenSubnets(paths))
  await mkdir(paths.cniConf, { recursive: true })
  await mkdir(paths.run, { recursive: true, mode: 0o711 })
  await writeFile(join(paths.run, 'subnet'), subnet)
  const conflist = JSON.stringify(
    conflistOf(paths, subnet, { hostPorts: !noHostPorts, ipMasq: options.ipMasq ?? false }),
    null,
    2,
  )
  await writeAtomically(confFile(paths), conflist)
  return { bridge: paths.bridge, gateway: subnet.replace(/\.0\/\d+$/, '.1'), subnet, binDir, noHostPorts }
}

const confFile = (paths: InstancePaths) => join(paths.cniConf, '10-polypod.conflist')

function conflistOf(
  paths: InstancePaths,
  subnet: string,
  { hostPorts, ipMasq }: { hostPorts: boolean; ipMasq: boolean },
): object {
  const ipam = { type: 'host-local', ranges: [[{ subnet }]], dataDir: paths.cniState }
  const bridge = { type: 'bridge', bridge: paths.bridge, isDefaultGateway: true, hairpinMode: true, ipMasq, ipam }
  const portmap = { type: 'portmap', capabilities: { portMappings: true }, snat: true }
  // 0.4.0 is what every plugin since 2018 speaks
  return { cniVersion: '0.4.0', name: paths.network, plugins: hostPorts ? [bridge, portmap] : [bridge] }
}

async function pluginFolder(): Promise<string> {
  for (const folder of ['/opt/cni/bin', '/usr/lib/cni', '/usr/libexec/cni']) {
    const found = await findBinaries(['bridge', 'host-local', 'loopback'], [folder])
    if (found.size === 3) return folder
  }
  throw new Error(
    'no CNI plugins (bridge, host-local, loopback) in /opt/cni/bin or /usr/lib/cni; on Debian: apt install containernetworking-plugins',
  )
}

async function whyNoPortmap(iptables: string | undefined): Promise<string | undefined> {
  if (iptables === undefined) return 'iptables is not installed'
  const { code, stderr } = await command(iptables, ['-w', '5', '-t', 'nat', '-S', 'PREROUTING'], 10_000)
  return code === 0 ? undefined : `iptables does not work here: ${stderr.trim().split('\n')[0] ?? ''}`
}

async function keptSubnet(paths: InstancePaths): Promise<string | undefined> {
  const text = await readFile(confFile(paths), 'utf8').catch(() => '')
  return /"subnet":\s*"([^"]+)"/.exec(text)?.[1]
}

/** Networks of this machine's interfaces, and those that other clusters of ours have chosen. */
async function takenSubnets(paths: InstancePaths): Promise<string[]> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const others = (await readdir(runRoot).catch(() => [])).filter((id) => id !== paths.id)
  const chosen = await Promise.all(others.map((id) => readFile(join(runRoot, id, 'subnet'), 'utf8').catch(() => '')))
  return [...own.flatMap((a) => (a.family === 'IPv4' && a.cidr ? [a.cidr] : [])), ...chosen.filter(Boolean)]
}
