import assert from 'node:assert/strict'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { describe, it } from 'vitest'
import { ContainerConfigSchema, PodSandboxConfigSchema } from '../../gen/cri_pb.js'
import { cases } from '../../testing/cases.ts'
import type { ContainerConfig, LinuxResources, SandboxConfig } from './runtime.ts'
import { sampleContainer, sampleSandbox } from './sample-config.ts'
import { containerConfigFromWire, containerConfigToWire, sandboxConfigFromWire, sandboxConfigToWire } from './wire-config.ts'
import { evidenceFromInfo } from './wire-state.ts'

const resources: LinuxResources = {
  cpuPeriod: 100_000,
  cpuQuota: 30_000,
  cpuShares: 307,
  memoryLimitInBytes: 251_658_240,
  oomScoreAdj: -997,
  cpusetCpus: '0-1',
  cpusetMems: '0',
  hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }],
  unified: { 'memory.min': '1' },
  memorySwapLimitInBytes: 1,
}

const sandbox: SandboxConfig = {
  ...sampleSandbox('web'),
  metadata: { name: 'web', uid: 'u', namespace: 'ns', attempt: 3 },
  dns: { servers: ['10.0.0.10'], searches: ['svc'], options: ['ndots:5'] },
  portMappings: [{ protocol: 'SCTP', containerPort: 80, hostPort: 8080, hostIp: '127.0.0.1' }],
  annotations: { a: 'b' },
  linux: {
    cgroupParent: '/kubepods/pod1',
    sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' },
    security: {
      namespaces: { network: 'node', pid: 'pod', ipc: 'container', targetId: 'x' },
      runAsUser: 0,
      runAsGroup: 1000,
      supplementalGroups: [5],
      readonlyRootfs: true,
      privileged: true,
      seccomp: { type: 'Localhost', localhostRef: '/p.json' },
    },
    overhead: { ...resources, cpuQuota: 1000 },
    resources,
  },
}

const container: ContainerConfig = {
  ...sampleContainer(sandbox, 'main', 'busybox', ['sh']),
  args: ['-c', 'true'],
  workingDir: '/w',
  envs: [{ key: 'A', value: '1' }],
  mounts: [
    {
      containerPath: '/d',
      hostPath: '/h',
      readonly: true,
      propagation: 'hostToContainer',
      selinuxRelabel: false,
      recursiveReadOnly: true,
    },
  ],
  devices: [{ containerPath: '/dev/a', hostPath: '/dev/b', permissions: 'rwm' }],
  stdin: true,
  stdinOnce: true,
  tty: true,
  linux: {
    resources,
    security: {
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      privileged: false,
      namespaces: { network: 'pod', pid: 'target', ipc: 'node', targetId: 'abc' },
      runAsUser: 7,
      runAsUsername: 'me',
      runAsGroup: 8,
      supplementalGroups: [9, 10],
      readonlyRootfs: true,
      noNewPrivs: true,
      maskedPaths: ['/proc/kcore'],
      readonlyPaths: ['/proc/sys'],
      seccomp: { type: 'Unconfined' },
      apparmor: { type: 'RuntimeDefault' },
    },
  },
}

describe('CRI messages', () => {
  it('carry a sandbox there and back', () => {
    const bytes = toBinary(PodSandboxConfigSchema, sandboxConfigToWire(sandbox))
    assert.deepEqual(sandboxConfigFromWire(fromBinary(PodSandboxConfigSchema, bytes)), sandbox)
  })

  it('carry a container there and back', () => {
    const bytes = toBinary(ContainerConfigSchema, containerConfigToWire(container))
    assert.deepEqual(containerConfigFromWire(fromBinary(ContainerConfigSchema, bytes)), container)
  })

  it('tell user 0 from no user', () => {
    const config = structuredClone(sandbox)
    delete config.linux.security.runAsUser
    const wire = sandboxConfigToWire(config).linux?.securityContext
    assert.equal(wire?.runAsUser, undefined)
    assert.equal(sandboxConfigToWire(sandbox).linux?.securityContext?.runAsUser?.value, 0n)
  })

  it('send overhead also when the Pod has none', () => {
    const wire = sandboxConfigToWire(sampleSandbox('plain')).linux
    assert.deepEqual([wire?.overhead?.cpuQuota, wire?.overhead?.memoryLimitInBytes], [0n, 0n])
  })
})

describe('evidence of what serves a sandbox', () => {
  cases(
    [
      { name: 'nothing told', info: {}, want: {} },
      { name: 'no JSON', info: { info: 'pid 3' }, want: {} },
      { name: 'a stopped sandbox has no process', info: { info: '{"pid":0,"runtimeType":"x"}' }, want: { runtimeType: 'x' } },
      {
        name: 'containerd',
        info: { info: '{"pid":42,"runtimeType":"io.containerd.runc.v2","runtimeOptions":{"binary_name":"crun"},"other":1}' },
        want: { pid: 42, runtimeType: 'io.containerd.runc.v2', runtimeOptions: { binary_name: 'crun' } },
      },
    ],
    ({ info, want }) => assert.deepEqual(evidenceFromInfo(info as Record<string, string>), want),
  )
})
