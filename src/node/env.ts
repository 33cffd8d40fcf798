// The environment of a container, and $(VAR) in its command and args.
import type { Container, EnvFromSource, EnvVar as DeclaredEnv } from '../api/core/container.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Service } from '../api/core/service.ts'
import type { Configs } from './config-source.ts'
import { type DownwardFacts, fieldValue, resourceValue } from './downward.ts'
import type { PodEvents } from './pod-events.ts'
import { serviceEnv } from './service-env.ts'

export interface EnvVar {
  name: string
  value: string
}

export interface EnvSources extends DownwardFacts {
  configs: Configs
  events: PodEvents
  /** Where the API server is reached from Pods: the KUBERNETES_* variables. Absent: none. */
  apiServer?: { host: string; port: number } | undefined
  /** Services of the Pod's namespace, for enableServiceLinks. */
  services?: readonly Service[] | undefined
}

/** Why a container cannot be configured: waiting reason CreateContainerConfigError with this message. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

type Env = Map<string, string>

/** Every variable once, later definitions winning. Throws ConfigError on missing references. */
export async function resolveEnv(pod: Pod, container: Container, sources: EnvSources): Promise<EnvVar[]> {
  const linked = serviceEnv(pod.spec.enableServiceLinks === false ? [] : (sources.services ?? []), sources.apiServer)
  const env: Env = new Map()
  for (const from of container.envFrom ?? []) await addAll(env, from, { pod, container, sources })
  for (const declared of container.env ?? []) {
    // k8s: what a Service says of a name counts for $(NAME) only until the container sets that name itself
    const value = declared.valueFrom
      ? await referredValue(declared, { pod, container, sources })
      : expandFrom(declared.value ?? '', (name) => env.get(name) ?? linked.get(name))
    linked.delete(declared.name)
    if (value !== undefined) env.set(declared.name, value)
  }
  for (const [name, value] of linked) if (!env.has(name)) env.set(name, value)
  return [...env].map(([name, value]) => ({ name, value }))
}

/** Replaces $(NAME) by its value, leaves unknown names as they stand; $$ is a plain $. */
export function expand(text: string, env: readonly EnvVar[]): string {
  return expandFrom(text, (name) => env.findLast((v) => v.name === name)?.value)
}

const expandFrom = (text: string, lookup: (name: string) => string | undefined): string =>
  text.replace(/\$(?:\$|\((?<name>[^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (lookup(name) ?? whole),
  )

interface Asking {
  pod: Pod
  container: Container
  sources: EnvSources
}

async function addAll(env: Env, from: EnvFromSource, { pod, container, sources }: Asking): Promise<void> {
  const ref = from.configMapRef ?? from.secretRef
  if (!ref) return
  const kind = from.configMapRef ? 'configMap' : 'secret'
  const values = await valuesOf(kind, ref, { pod, container, sources })
  const invalid: string[] = []
  for (const [key, value] of Object.entries(values ?? {})) {
    const name = `${from.prefix ?? ''}${key}`
    if (isEnvName(name)) env.set(name, value)
    else invalid.push(name)
  }
  if (invalid.length === 0) return
  const where = `EnvFrom ${kind} ${pod.metadata.namespace}/${ref.name}`
  const message = `Keys [${invalid.toSorted().join(', ')}] from the ${where} were skipped since they are considered invalid environment variable names.`
  sources.events.event({ pod }, 'Warning', 'InvalidEnvironmentVariableNames', message)
}

const isEnvName = (name: string): boolean => /^[-._a-zA-Z][-._a-zA-Z0-9]*$/.test(name) && name !== '.' && !name.startsWith('..')

interface ConfigRef {
  name?: string | undefined
  optional?: boolean | undefined
}

/** undefined when the object is not there and need not be. */
async function valuesOf(
  kind: 'configMap' | 'secret',
  ref: ConfigRef,
  asking: Asking,
): Promise<Record<string, string> | undefined> {
  const { configs } = asking.sources
  const { namespace = '' } = asking.pod.metadata
  const name = ref.name ?? ''
  if (kind === 'configMap') {
    const found = await configs.configMap(namespace, name).catch(refuse)
    if (found) return found.data ?? {}
  } else {
    const found = await configs.secret(namespace, name).catch(refuse)
    if (found) return Object.fromEntries(Object.entries(found.data ?? {}).map(([key, value]) => [key, textOfBase64(value)]))
  }
  if (ref.optional) return undefined
  throw new ConfigError(`${kind.toLowerCase()} "${name}" not found`)
}

const refuse = (error: unknown): never => {
  throw new ConfigError(error instanceof Error ? error.message : String(error), { cause: error })
}

const textOfBase64 = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8')

/** undefined when the variable is not to be set. */
async function referredValue({ valueFrom = {} }: DeclaredEnv, asking: Asking): Promise<string | undefined> {
  const { pod, container, sources } = asking
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  if (fieldRef) {
    const value = fieldValue(pod, fieldRef.fieldPath, sources)
    if (value === undefined) throw new ConfigError(`unsupported fieldPath: ${fieldRef.fieldPath}`)
    return value
  }
  if (resourceFieldRef) {
    const { containerName = '', resource } = resourceFieldRef
    const of = containerName === '' ? container : containerOf(pod, containerName)
    if (!of) throw new ConfigError(`container ${containerName} not found`)
    const value = resourceValue(of, resourceFieldRef, sources.nodeAllocatable)
    if (value === undefined) throw new ConfigError(`unsupported container resource : ${resource}`)
    return value
  }
  const ref = configMapKeyRef ?? secretKeyRef
  if (!ref) return ''
  const values = await valuesOf(configMapKeyRef ? 'configMap' : 'secret', ref, asking)
  const value = values?.[ref.key]
  if (value !== undefined || ref.optional) return value
  const kind = configMapKeyRef ? 'ConfigMap' : 'Secret'
  throw new ConfigError(`couldn't find key ${ref.key} in ${kind} ${pod.metadata.namespace}/${ref.name}`)
}

const containerOf = ({ spec }: Pod, name: string): Container | undefined =>
  [...spec.containers, ...(spec.initContainers ?? [])].find((c) => c.name === name)
