// Files the kubelet itself makes for a Pod: /etc/hosts, the termination message, and what goes into resolv.conf.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Mount, SandboxConfig } from './cri/runtime.ts'

export type DnsConfig = NonNullable<SandboxConfig['dns']>

export interface PodDnsOptions {
  /** The machine's resolv.conf. */
  host: DnsConfig
  /** Address of the cluster's DNS; empty when there is none (then ClusterFirst falls back to the host's). */
  clusterDns: readonly string[]
  clusterDomain: string
}

/** The Pod's resolv.conf by dnsPolicy and dnsConfig. `warnings` are messages for events DNSConfigForming / MissingClusterDNS. */
export function podDns(pod: Pod, options: PodDnsOptions): { dns: DnsConfig; warnings: { reason: string; message: string }[] } {
  throw new Error(`not written yet: ${pod.metadata.name} ${options.clusterDomain}`)
}

/** Reads the text of a resolv.conf. */
export function parseResolvConf(text: string): DnsConfig {
  throw new Error(`not written yet: ${text}`)
}

/** Hostname of the Pod and its domain ("" when it has no subdomain). */
export function podHostname(pod: Pod, clusterDomain: string): { hostname: string; domain: string } {
  throw new Error(`not written yet: ${pod.metadata.name} ${clusterDomain}`)
}

/** The text of the managed /etc/hosts. */
export function hostsText(pod: Pod, podIPs: readonly string[], clusterDomain: string): string {
  throw new Error(`not written yet: ${pod.metadata.name} ${podIPs.length} ${clusterDomain}`)
}

export interface PodFileOptions {
  dataDir: string
  podIPs: readonly string[]
  clusterDomain: string
}

/** Writes <dataDir>/pods/<uid>/etc-hosts and returns its mount; undefined when the container mounts /etc/hosts itself. */
export async function etcHostsMount(pod: Pod, container: Container, options: PodFileOptions): Promise<Mount | undefined> {
  throw new Error(`not written yet: ${pod.metadata.name} ${container.name} ${options.dataDir}`)
}

/** Makes a fresh empty termination message file for one run of a container, and its mount; undefined when there is no path. */
export async function terminationMount(pod: Pod, container: Container, dataDir: string): Promise<Mount | undefined> {
  throw new Error(`not written yet: ${pod.metadata.name} ${container.name} ${dataDir}`)
}

/**
 * The termination message of an ended container: the last 4096 bytes of the file at `hostPath`; with FallbackToLogsOnError and an
 * empty file and `exitCode` not 0, the tail of the log (2048 bytes, 80 lines).
 */
export async function terminationMessage(options: {
  hostPath: string | undefined
  policy: string | undefined
  exitCode: number
  logPath: string | undefined
}): Promise<string> {
  throw new Error(`not written yet: ${Object.keys(options).join()}`)
}
