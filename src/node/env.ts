// The environment of a container, and $(VAR) in its command and args.
import type { Container } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { ResourceList } from '../api/core/resources.ts'
import type { Service } from '../api/core/service.ts'
import type { Configs } from './config-source.ts'
import type { PodEvents } from './pod-events.ts'

export interface EnvVar {
  name: string
  value: string
}

/** What fieldRef and resourceFieldRef are answered from. The IPs are the present ones, which the Pod's status may not show yet. */
export interface DownwardFacts {
  nodeAllocatable: ResourceList
  hostIPs: readonly string[]
  podIPs: readonly string[]
}

export interface EnvSources extends DownwardFacts {
  configs: Configs
  events: PodEvents
  /** Where the API server is reached from Pods: the KUBERNETES_SERVICE_* variables. Absent: none. */
  apiServer?: { host: string; port: number } | undefined
  /** Services of the Pod's namespace, for enableServiceLinks. */
  services?: readonly Service[] | undefined
}

/** Why a container cannot be configured: waiting reason CreateContainerConfigError with this message. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** Every variable once, later definitions winning. Throws ConfigError on missing references. */
export async function resolveEnv(pod: Pod, container: Container, sources: EnvSources): Promise<EnvVar[]> {
  throw new Error(`not written yet: ${pod.metadata.name} ${container.name} ${Object.keys(sources).join()}`)
}

/** Replaces $(NAME) by its value, leaves unknown names as they stand; $$ is a plain $. */
export function expand(text: string, env: readonly EnvVar[]): string {
  throw new Error(`not written yet: ${text} ${env.length}`)
}
