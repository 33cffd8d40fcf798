// CreateContainer's config, from a container of a Pod.
import { join } from 'node:path'
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import { containerResources } from '../ledger/cgroup.ts'
import { oomScoreAdj } from '../ledger/oom-score.ts'
import { containerHash } from './container-hash.ts'
import type { ContainerConfig, Image, Mount } from './cri/runtime.ts'
import { ConfigError, type EnvVar, expand } from './env.ts'
import {
  containerNameLabel,
  gracePeriodAnnotation,
  hashAnnotation,
  messagePathAnnotation,
  messagePolicyAnnotation,
  podLabels,
  restartCountAnnotation,
  uidOf,
} from './pod-labels.ts'
import { ownerLabel } from './remove-pods.ts'
import { groupsOf, namespacesOf, profileOf } from './sandbox-config.ts'

export interface ContainerFacts {
  attempt: number
  /** What the runtime calls the image. */
  imageRef: string
  image: Image | undefined
  env: readonly EnvVar[]
  mounts: Mount[]
  owner: string
  dataDir: string
  memoryCapacityBytes: number
}

/** Throws ConfigError for a container that must not run as it stands. */
export function containerConfig(pod: Pod, container: Container, facts: ContainerFacts): ContainerConfig {
  const { name, image = '' } = container
  return {
    metadata: { name, attempt: facts.attempt },
    image: facts.imageRef,
    userSpecifiedImage: image,
    command: (container.command ?? []).map((word) => expand(word, facts.env)),
    args: (container.args ?? []).map((word) => expand(word, facts.env)),
    workingDir: container.workingDir ?? '',
    envs: facts.env.map(({ name: key, value }) => ({ key, value })),
    mounts: facts.mounts,
    devices: [],
    labels: { ...podLabels(pod), [containerNameLabel]: name, [ownerLabel]: facts.owner },
    annotations: annotationsOf(pod, container, facts.attempt),
    logPath: join(name, `${facts.attempt}.log`),
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    linux: {
      resources: { ...containerResources(container), oomScoreAdj: oomScoreAdj(pod, container, facts.memoryCapacityBytes) },
      security: securityOf(pod, container, facts),
    },
  }
}

function annotationsOf(pod: Pod, container: Container, attempt: number): Record<string, string> {
  return {
    [hashAnnotation]: containerHash(container),
    [restartCountAnnotation]: String(attempt),
    [messagePathAnnotation]: container.terminationMessagePath ?? '',
    [messagePolicyAnnotation]: container.terminationMessagePolicy ?? '',
    [gracePeriodAnnotation]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
  }
}

// k8s: what an unprivileged container does not see, or not write, of /proc and /sys
const maskedPaths = [
  ...['/proc/asound', '/proc/acpi', '/proc/interrupts', '/proc/kcore', '/proc/keys', '/proc/latency_stats'],
  ...['/proc/timer_list', '/proc/timer_stats', '/proc/sched_debug', '/proc/scsi', '/sys/firmware'],
  '/sys/devices/virtual/powercap',
]
const readonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

function securityOf(pod: Pod, container: Container, facts: ContainerFacts): ContainerConfig['linux']['security'] {
  const ofPod = pod.spec.securityContext ?? {}
  const own = container.securityContext ?? {}
  const runAsUser = own.runAsUser ?? ofPod.runAsUser
  refuseRoot(pod, container, facts.image)
  const privileged = own.privileged ?? false
  const unmasked = privileged || own.procMount === 'Unmasked'
  const seccomp = profileOf(own.seccompProfile ?? ofPod.seccompProfile, join(facts.dataDir, 'seccomp'))
  const apparmor = profileOf(own.appArmorProfile ?? ofPod.appArmorProfile)
  return {
    capabilities: { add: own.capabilities?.add ?? [], drop: own.capabilities?.drop ?? [] },
    privileged,
    namespaces: namespacesOf(pod),
    // k8s: nobody named: the image's user, told to the runtime all the same
    ...(runAsUser === undefined ? userOf(facts.image) : { runAsUser }),
    runAsGroup: own.runAsGroup ?? ofPod.runAsGroup,
    supplementalGroups: groupsOf(pod),
    readonlyRootfs: own.readOnlyRootFilesystem ?? false,
    noNewPrivs: own.allowPrivilegeEscalation === false,
    maskedPaths: unmasked ? [] : maskedPaths,
    readonlyPaths: unmasked ? [] : readonlyPaths,
    seccomp: seccomp ?? { type: 'Unconfined' },
    ...(apparmor ? { apparmor } : {}),
  }
}

function userOf(image: Image | undefined): { runAsUser?: number; runAsUsername?: string } {
  if (image?.username) return { runAsUsername: image.username }
  return image?.uid === undefined ? {} : { runAsUser: image.uid }
}

function refuseRoot(pod: Pod, container: Container, image: Image | undefined): void {
  const ofPod = pod.spec.securityContext ?? {}
  const own = container.securityContext ?? {}
  if (!(own.runAsNonRoot ?? ofPod.runAsNonRoot)) return
  const where = `(pod: "${pod.metadata.name}_${pod.metadata.namespace ?? ''}(${uidOf(pod)})", container: ${container.name})`
  const runAsUser = own.runAsUser ?? ofPod.runAsUser
  if (runAsUser === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`)
  if (runAsUser !== undefined) return
  if (image?.username)
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.username}), cannot verify user is non-root ${where}`,
    )
  if (!image?.uid) throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`)
}
