import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { samplePod } from './sample-pod.ts'
import { type SandboxFacts, sandboxConfig } from './sandbox-config.ts'

const dns = { servers: ['192.0.2.53'], searches: [], options: [] }
const facts: SandboxFacts = {
  attempt: 2,
  hostname: 'web',
  dns,
  logRoot: '/logs',
  cgroupParent: '/pods/x',
  owner: 'me',
  dataDir: '/d',
}
const own = {
  ...{ 'io.kubernetes.pod.name': 'web', 'io.kubernetes.pod.namespace': 'default', 'io.kubernetes.pod.uid': 'uid-1' },
  'polypod.dev/owner': 'me',
}

describe('sandboxConfig', () => {
  it('words a plain Pod', () => {
    assert.deepEqual(sandboxConfig(samplePod({}, { labels: { app: 'x' }, annotations: { note: 'y' } }), facts), {
      metadata: { name: 'web', uid: 'uid-1', namespace: 'default', attempt: 2 },
      ...{ hostname: 'web', logDirectory: '/logs/default_web_uid-1', dns, portMappings: [] },
      labels: { app: 'x', ...own },
      annotations: { note: 'y' },
      linux: {
        ...{ cgroupParent: '/pods/x', sysctls: {}, overhead: {} },
        resources: { cpuShares: 2, cpuPeriod: 100_000, cpuQuota: 0 },
        security: {
          namespaces: { network: 'pod', pid: 'container', ipc: 'pod' },
          ...{ runAsUser: undefined, runAsGroup: undefined, supplementalGroups: [], privileged: false },
          seccomp: { type: 'RuntimeDefault' },
        },
      },
    })
  })

  it('sends overhead apart from resources', () => {
    const resources = { limits: { cpu: '100m', memory: '100Mi' } }
    const pod = samplePod({ containers: [{ name: 'a', image: 'b', resources }], overhead: { cpu: '200m', memory: '140Mi' } })
    const { linux } = sandboxConfig(pod, facts)
    assert.deepEqual(linux.resources, { cpuShares: 102, cpuPeriod: 100_000, cpuQuota: 10_000, memoryLimitInBytes: 104_857_600 })
    assert.deepEqual(linux.overhead, { cpuShares: 204, cpuPeriod: 100_000, cpuQuota: 20_000, memoryLimitInBytes: 146_800_640 })
  })

  it('gives a Pod of the host network neither hostname nor port mappings', () => {
    const containers = [{ name: 'a', image: 'b', ports: [{ containerPort: 80 }] }]
    const config = sandboxConfig(samplePod({ containers, hostNetwork: true, hostPID: true, hostIPC: true }), facts)
    assert.deepEqual([config.hostname, config.portMappings], ['', []])
    assert.deepEqual(config.linux.security.namespaces, { network: 'node', pid: 'node', ipc: 'node' })
  })

  it('maps ports, and takes security settings of the Pod over', () => {
    const ports = [{ containerPort: 53, hostPort: 5353, protocol: 'UDP', hostIP: '127.0.0.1' }]
    const containers = [{ name: 'a', image: 'b', ports, securityContext: { privileged: true } }]
    const sysctls = [{ name: 'net/ipv4/ip_forward', value: '1' }]
    const securityContext = { runAsUser: 7, runAsGroup: 8, fsGroup: 9, supplementalGroups: [10], sysctls }
    const config = sandboxConfig(samplePod({ containers, securityContext, shareProcessNamespace: true }), facts)
    assert.deepEqual(config.portMappings, [{ protocol: 'UDP', containerPort: 53, hostPort: 5353, hostIp: '127.0.0.1' }])
    assert.deepEqual(config.linux.sysctls, { 'net.ipv4.ip_forward': '1' })
    assert.deepEqual(config.linux.security, {
      namespaces: { network: 'pod', pid: 'pod', ipc: 'pod' },
      ...{ runAsUser: 7, runAsGroup: 8, supplementalGroups: [9, 10], privileged: true, seccomp: { type: 'RuntimeDefault' } },
    })
  })
})
