// Names of a Pod: its hostname, its /etc/hosts, and what goes into its resolv.conf.
import type { Pod } from '../api/core/pod.ts'
import type { SandboxConfig } from './cri/runtime.ts'

export type DnsConfig = NonNullable<SandboxConfig['dns']>

export interface PodDnsOptions {
  /** The machine's resolv.conf. */
  host: DnsConfig
  /** Address of the cluster's DNS; empty when there is none (then ClusterFirst falls back to the host's). */
  clusterDns: readonly string[]
  clusterDomain: string
}

/** For an event of type Warning. */
export interface DnsWarning {
  reason: 'DNSConfigForming' | 'MissingClusterDNS'
  message: string
}

// k8s: more than libc's own three and six are cut off
const maxServers = 3
const maxSearches = 32
const maxSearchBytes = 2048

/** The Pod's resolv.conf by dnsPolicy and dnsConfig. */
export function podDns(pod: Pod, options: PodDnsOptions): { dns: DnsConfig; warnings: DnsWarning[] } {
  const warnings: DnsWarning[] = []
  const { dnsConfig } = pod.spec
  const base = baseOf(pod, options, warnings)
  const dns = {
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])].map((s) => (s === '.' ? s : s.replace(/\.$/, '')))),
    options: mergedOptions(base.options, dnsConfig?.options ?? []),
  }
  return { dns: fitted(dns, warnings), warnings }
}

const unique = (texts: readonly string[]): string[] => [...new Set(texts)]

function baseOf(pod: Pod, { host, clusterDns, clusterDomain }: PodDnsOptions, warnings: DnsWarning[]): DnsConfig {
  const { dnsPolicy, hostNetwork } = pod.spec
  if (dnsPolicy === 'None') return { servers: [], searches: [], options: [] }
  // k8s: on the host's network plain ClusterFirst means the host's resolver
  const wantsCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy !== 'Default' && !hostNetwork)
  if (!wantsCluster) return host
  if (clusterDns.length === 0) {
    const what = 'kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy.'
    const { name, namespace, uid } = pod.metadata
    const message = `pod: "${name}_${namespace}(${uid})". ${what} Falling back to "Default" policy.`
    warnings.push({ reason: 'MissingClusterDNS', message })
    return host
  }
  const domains =
    clusterDomain === '' ? [] : [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  return { servers: [...clusterDns], searches: [...domains, ...host.searches], options: ['ndots:5'] }
}

interface DnsOption {
  name?: string | undefined
  value?: string | undefined
}

/** What the Pod says of an option wins. */
function mergedOptions(base: readonly string[], own: readonly DnsOption[]): string[] {
  const all = new Map(base.map((option) => [option.split(':')[0] ?? '', option]))
  for (const { name = '', value } of own) if (name !== '') all.set(name, value ? `${name}:${value}` : name)
  return [...all.values()]
}

function fitted({ servers, searches, options }: DnsConfig, warnings: DnsWarning[]): DnsConfig {
  const warn = (message: string) => warnings.push({ reason: 'DNSConfigForming', message })
  const kept = servers.slice(0, maxServers)
  if (kept.length < servers.length)
    warn(`Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${kept.join(' ')}`)
  let domains = searches.slice(0, maxSearches)
  while (domains.join(' ').length > maxSearchBytes) domains = domains.slice(0, -1)
  if (domains.length < searches.length)
    warn(
      `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${domains.join(' ')}`,
    )
  return { servers: kept, searches: domains, options }
}

/** Reads the text of a resolv.conf; later `search` lines replace earlier ones, as in libc. */
export function parseResolvConf(text: string): DnsConfig {
  const dns: DnsConfig = { servers: [], searches: [], options: [] }
  for (const line of text.split('\n')) {
    const [word, ...values] = line
      .replace(/[#;].*$/, '')
      .trim()
      .split(/\s+/)
    if (word === 'nameserver' && values[0] !== undefined) dns.servers.push(values[0])
    if (word === 'search' || word === 'domain') dns.searches = values.map((v) => (v === '.' ? v : v.replace(/\.$/, '')))
    if (word === 'options') dns.options.push(...values)
  }
  return dns
}

// Linux allows 64 bytes; k8s cuts at 63
const maxHostname = 63

/** Hostname of the Pod and its domain ("" when it has no subdomain). With setHostnameAsFQDN the hostname is the full name. */
export function podHostname(pod: Pod, clusterDomain: string): { hostname: string; domain: string } {
  const { hostname, subdomain, setHostnameAsFQDN } = pod.spec
  const short = hostname || pod.metadata.name.slice(0, maxHostname).replace(/[-.]+$/, '')
  const domain = subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : ''
  return { hostname: setHostnameAsFQDN && domain !== '' ? `${short}.${domain}` : short, domain }
}

const loopback = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
]

export interface HostsOptions {
  clusterDomain: string
  /** The machine's /etc/hosts, for a Pod on the host's network. */
  hostText?: string | undefined
}

/** The text of the managed /etc/hosts. */
export function hostsText(pod: Pod, podIPs: readonly string[], { clusterDomain, hostText }: HostsOptions): string {
  const { hostname, domain } = podHostname({ ...pod, spec: { ...pod.spec, setHostnameAsFQDN: false } }, clusterDomain)
  const names = domain === '' ? hostname : `${hostname}.${domain}\t${hostname}`
  const lines =
    hostText === undefined
      ? ['# Kubernetes-managed hosts file.', ...loopback, ...podIPs.map((ip) => `${ip}\t${names}`)]
      : ['# Kubernetes-managed hosts file (host network).', hostText.replace(/\n$/, '')]
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}`)
  const added = aliases.length === 0 ? [] : ['', '# Entries added by HostAliases.', ...aliases]
  return `${[...lines, ...added].join('\n')}\n`
}
