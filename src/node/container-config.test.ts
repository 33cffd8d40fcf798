import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { Container } from '../api/core/container.ts'
import { cases } from '../testing/cases.ts'
import { type ContainerFacts, containerConfig } from './container-config.ts'
import { ConfigError } from './env.ts'
import { samplePod } from './sample-pod.ts'

const image = { id: 'sha256:1', repoTags: [], repoDigests: [], sizeBytes: 1, uid: 0 }
const env = [{ name: 'WHO', value: 'you' }]
const facts: ContainerFacts = {
  ...{ attempt: 3, imageRef: 'sha256:1', image, env, mounts: [], owner: 'me', dataDir: '/d', memoryCapacityBytes: 2 ** 30 },
}
const config = (
  container: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
  more: Partial<ContainerFacts> = {},
) => {
  const pod = samplePod({ containers: [{ name: 'main', image: 'busybox:1', ...container }], ...spec })
  return containerConfig(pod, pod.spec.containers[0] as Container, { ...facts, ...more })
}
const security = (own: Record<string, unknown>, ofPod: Record<string, unknown> = {}, more: Partial<ContainerFacts> = {}) =>
  config({ securityContext: own }, { securityContext: ofPod }, more).linux.security

describe('containerConfig', () => {
  it('words a plain container', () => {
    const { labels, annotations, linux, ...rest } = config({ command: ['echo', '$(WHO)', '$(NOBODY)'], args: ['$$(WHO)'] })
    assert.deepEqual(rest, {
      metadata: { name: 'main', attempt: 3 },
      ...{ image: 'sha256:1', userSpecifiedImage: 'busybox:1', command: ['echo', 'you', '$(NOBODY)'], args: ['$(WHO)'] },
      ...{ workingDir: '', envs: [{ key: 'WHO', value: 'you' }], mounts: [], devices: [], logPath: 'main/3.log' },
      ...{ stdin: false, stdinOnce: false, tty: false },
    })
    assert.deepEqual(labels, {
      ...{ 'io.kubernetes.pod.name': 'web', 'io.kubernetes.pod.namespace': 'default', 'io.kubernetes.pod.uid': 'uid-1' },
      ...{ 'io.kubernetes.container.name': 'main', 'polypod.dev/owner': 'me' },
    })
    const { 'io.kubernetes.container.hash': hash, ...others } = annotations
    assert.match(hash ?? '', /^[0-9a-f]{8}$/)
    assert.deepEqual(others, {
      'io.kubernetes.container.restartCount': '3',
      'io.kubernetes.container.terminationMessagePath': '/dev/termination-log',
      'io.kubernetes.container.terminationMessagePolicy': 'File',
      'io.kubernetes.pod.terminationGracePeriod': '30',
    })
    assert.deepEqual(linux.resources, { cpuShares: 2, cpuPeriod: 100_000, cpuQuota: 0, oomScoreAdj: 1000 })
    assert.deepEqual(
      { ...linux.security, maskedPaths: linux.security.maskedPaths.length, readonlyPaths: linux.security.readonlyPaths.length },
      {
        capabilities: { add: [], drop: [] },
        namespaces: { network: 'pod', pid: 'container', ipc: 'pod' },
        ...{ privileged: false, runAsUser: 0, runAsGroup: undefined, supplementalGroups: [], readonlyRootfs: false },
        ...{ noNewPrivs: false, maskedPaths: 12, readonlyPaths: 5, seccomp: { type: 'Unconfined' } },
      },
    )
  })

  it('lets the container win over the Pod', () => {
    const { runAsUser, runAsGroup, seccomp, noNewPrivs, readonlyRootfs, capabilities } = security(
      {
        ...{ runAsUser: 5, seccompProfile: { type: 'Localhost', localhostProfile: 'a.json' }, allowPrivilegeEscalation: false },
        ...{ readOnlyRootFilesystem: true, capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } },
      },
      { runAsUser: 6, runAsGroup: 7, seccompProfile: { type: 'RuntimeDefault' } },
    )
    assert.deepEqual([runAsUser, runAsGroup, noNewPrivs, readonlyRootfs], [5, 7, true, true])
    assert.deepEqual(seccomp, { type: 'Localhost', localhostRef: '/d/seccomp/a.json' })
    assert.deepEqual(capabilities, { add: ['NET_ADMIN'], drop: ['ALL'] })
  })

  it('hides nothing from a privileged container', () => {
    const { privileged, maskedPaths, readonlyPaths } = security({ privileged: true })
    assert.deepEqual([privileged, maskedPaths, readonlyPaths], [true, [], []])
  })

  it('names the user of the image', () => {
    const named = security({}, {}, { image: { ...image, uid: undefined, username: 'nobody' } })
    assert.deepEqual([named.runAsUser, named.runAsUsername], [undefined, 'nobody'])
  })
})

describe('runAsNonRoot', () => {
  const where = '(pod: "web_default(uid-1)", container: main)'
  const nobody = { ...image, uid: undefined, username: 'nobody' }
  cases(
    [
      {
        name: 'refuses the root of the image',
        own: {},
        from: image,
        want: `container has runAsNonRoot and image will run as root ${where}`,
      },
      {
        name: 'refuses root asked for',
        own: { runAsUser: 0 },
        from: image,
        want: `container's runAsUser breaks non-root policy ${where}`,
      },
      {
        name: 'refuses a user it cannot judge',
        ...{ own: {}, from: nobody },
        want: `container has runAsNonRoot and image has non-numeric user (nobody), cannot verify user is non-root ${where}`,
      },
      { name: 'takes any other user', own: { runAsUser: 1 }, from: nobody, want: undefined },
      { name: 'takes an image with another user', own: {}, from: { ...image, uid: 9 }, want: undefined },
    ],
    ({ own, from, want }) => {
      const make = () => security({ runAsNonRoot: true, ...own }, {}, { image: from })
      if (want === undefined) make()
      else assert.throws(make, new ConfigError(want))
    },
  )
})
