import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { hostsText, parseResolvConf, podDns, podHostname } from './pod-dns.ts'
import { samplePod } from './sample-pod.ts'

const host = { servers: ['192.0.2.53'], searches: ['corp.example'], options: ['timeout:2', 'edns0'] }
const inCluster = { host, clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local' }
const clusterSearches = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'corp.example']

describe('podDns', () => {
  cases(
    [
      {
        name: 'asks the cluster first',
        spec: {},
        want: { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:5'] },
      },
      { name: 'asks the host for a Pod on its network', spec: { hostNetwork: true }, want: host },
      {
        name: 'asks the cluster for it when told to',
        spec: { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
        want: { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:5'] },
      },
      { name: 'asks the host when told to', spec: { dnsPolicy: 'Default' }, want: host },
      {
        name: 'asks nobody but whom the Pod names',
        spec: { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1'], searches: ['a.', '.'], options: [{ name: 'debug' }] } },
        want: { servers: ['1.1.1.1'], searches: ['a', '.'], options: ['debug'] },
      },
      {
        name: 'adds what the Pod names, each once, its options winning',
        spec: {
          dnsConfig: {
            nameservers: ['10.96.0.10', '1.1.1.1'],
            searches: ['corp.example', 'mine'],
            options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
          },
        },
        want: { servers: ['10.96.0.10', '1.1.1.1'], searches: [...clusterSearches, 'mine'], options: ['ndots:2', 'edns0'] },
      },
    ],
    ({ spec, want }) => assert.deepEqual(podDns(samplePod(spec), inCluster), { dns: want, warnings: [] }),
  )

  it('falls back to the host, and says so, without a cluster DNS', () => {
    const message =
      'pod: "web_default(uid-1)". kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.'
    const want = { dns: host, warnings: [{ reason: 'MissingClusterDNS', message }] }
    assert.deepEqual(podDns(samplePod(), { ...inCluster, clusterDns: [] }), want)
  })

  it('cuts what resolvers cannot take', () => {
    const searches = Array.from({ length: 40 }, (_, i) => `s${i}`)
    const spec = { dnsPolicy: 'None', dnsConfig: { nameservers: ['1.1.1.1', '2.2.2.2', '3.3.3.3', '4.4.4.4'], searches } }
    const { dns, warnings } = podDns(samplePod(spec), inCluster)
    assert.deepEqual(dns, { servers: ['1.1.1.1', '2.2.2.2', '3.3.3.3'], searches: searches.slice(0, 32), options: [] })
    const texts = warnings.map(({ reason, message }) => `${reason}: ${message}`)
    assert.deepEqual(texts, [
      'DNSConfigForming: Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: 1.1.1.1 2.2.2.2 3.3.3.3',
      `DNSConfigForming: Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${searches.slice(0, 32).join(' ')}`,
    ])
  })
})

describe('parseResolvConf', () => {
  cases(
    [
      {
        name: 'a usual one',
        text: '# made by hand\nnameserver 10.0.0.1 \n nameserver ::1;x\nsearch old\nsearch a.example. b\noptions ndots:2 edns0\n',
        want: { servers: ['10.0.0.1', '::1'], searches: ['a.example', 'b'], options: ['ndots:2', 'edns0'] },
      },
      { name: 'an empty one', text: '', want: { servers: [], searches: [], options: [] } },
    ],
    ({ text, want }) => assert.deepEqual(parseResolvConf(text), want),
  )
})

describe('podHostname', () => {
  const fqdn = 'h.sub.default.svc.cluster.local'
  cases(
    [
      { name: 'the name of the Pod', spec: {}, podName: 'web', want: { hostname: 'web', domain: '' } },
      {
        name: 'a long name, cut where it ends well',
        spec: {},
        podName: `${'a'.repeat(62)}-b`,
        want: { hostname: 'a'.repeat(62), domain: '' },
      },
      {
        name: 'a subdomain',
        spec: { hostname: 'h', subdomain: 'sub' },
        podName: 'web',
        want: { hostname: 'h', domain: 'sub.default.svc.cluster.local' },
      },
      {
        name: 'the full name when told to',
        spec: { hostname: 'h', subdomain: 'sub', setHostnameAsFQDN: true },
        podName: 'web',
        want: { hostname: fqdn, domain: 'sub.default.svc.cluster.local' },
      },
    ],
    ({ spec, podName, want }) => assert.deepEqual(podHostname(samplePod(spec, { name: podName }), 'cluster.local'), want),
  )
})

describe('hostsText', () => {
  const clusterDomain = 'cluster.local'
  const top = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
  ]
  const hostAliases = [
    { ip: '1.2.3.4', hostnames: ['foo', 'bar'] },
    { ip: '1.2.3.5', hostnames: ['baz'] },
  ]
  it('names the Pod at each of its addresses', () => {
    const text = hostsText(samplePod({ hostAliases }), ['10.244.0.2', 'fd00::2'], { clusterDomain })
    const own = [
      '10.244.0.2\tweb',
      'fd00::2\tweb',
      '',
      '# Entries added by HostAliases.',
      '1.2.3.4\tfoo\tbar',
      '1.2.3.5\tbaz',
      '',
    ]
    assert.equal(text, [...top, ...own].join('\n'))
  })
  it('names it in full first when it has a subdomain', () => {
    const pod = samplePod({ hostname: 'h', subdomain: 'sub', setHostnameAsFQDN: true })
    const text = hostsText(pod, ['10.244.0.2'], { clusterDomain })
    assert.equal(text, [...top, '10.244.0.2\th.sub.default.svc.cluster.local\th', ''].join('\n'))
  })
  it("keeps the machine's own on the host's network", () => {
    const text = hostsText(samplePod({ hostAliases }), [], { clusterDomain, hostText: '127.0.0.1 me\n' })
    assert.equal(
      text,
      '# Kubernetes-managed hosts file (host network).\n127.0.0.1 me\n\n# Entries added by HostAliases.\n1.2.3.4\tfoo\tbar\n1.2.3.5\tbaz\n',
    )
  })
})
