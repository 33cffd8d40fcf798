// Credentials for registries, from the imagePullSecrets of a Pod.
import type { Pod } from '../api/core/pod.ts'
import type { Configs } from './config-source.ts'
import { fullImageName } from './cri/image-name.ts'
import type { PullAuth } from './image-pull.ts'
import type { PodEvents } from './pod-events.ts'

interface Entry {
  username?: unknown
  password?: unknown
  /** base64 of `username:password`. */
  auth?: unknown
}

/** Those that fit the image's registry, the most particular first. A Secret that is missing is an event, not an error. */
export async function pullAuths(
  pod: Pod,
  image: string,
  { configs, events }: { configs: Pick<Configs, 'secret'>; events: PodEvents },
): Promise<PullAuth[]> {
  const found: [string, PullAuth][] = []
  const missing: string[] = []
  for (const { name = '' } of pod.spec.imagePullSecrets ?? []) {
    const secret = await configs.secret(pod.metadata.namespace ?? '', name).catch(() => undefined)
    if (!secret) missing.push(name)
    else found.push(...entriesOf(secret.data ?? {}))
  }
  if (missing.length > 0)
    events.event(
      { pod },
      'Warning',
      'FailedToRetrieveImagePullSecret',
      `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`,
    )
  const name = fullImageName(image)
  const fitting = found.filter(([registry]) => fits(registry, name))
  return fitting.toSorted(([a], [b]) => b.length - a.length).map(([, auth]) => auth)
}

function entriesOf(data: Record<string, string>): [string, PullAuth][] {
  const config = parsed(data['.dockerconfigjson'])
  const entries = config ? config['auths'] : parsed(data['.dockercfg'])
  return Object.entries((entries ?? {}) as Record<string, Entry>).flatMap(([server, entry]): [string, PullAuth][] => {
    const auth = credentialOf(entry)
    return auth ? [[registryOf(server), { ...auth, server }]] : []
  })
}

function parsed(base64: string | undefined): Record<string, unknown> | undefined {
  if (base64 === undefined) return undefined
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString())
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    // whoever made the Secret may have made a mistake: the pull will say so
    return undefined
  }
}

function credentialOf({ username, password, auth }: Entry): { username: string; password: string } | undefined {
  if (typeof username === 'string' && typeof password === 'string') return { username, password }
  if (typeof auth !== 'string') return undefined
  const [user = '', ...rest] = Buffer.from(auth, 'base64').toString().split(':')
  return rest.length === 0 ? undefined : { username: user, password: rest.join(':') }
}

/** k8s: Docker Hub is still written as the address of its version 1 index. */
function registryOf(server: string): string {
  const name = server.replace(/^https?:\/\//, '').replace(/\/(v[12]\/?)?$/, '')
  return name === 'index.docker.io' ? 'docker.io' : name
}

/** A `*` stands for one part of a host name. */
function fits(registry: string, image: string): boolean {
  const [host = '', ...path] = registry.split('/')
  const [imageHost = '', ...imagePath] = image.split('/')
  const parts = host.split('.')
  const imageParts = imageHost.split('.')
  if (parts.length !== imageParts.length || !parts.every((p, i) => p === '*' || p === imageParts[i])) return false
  return imagePath.join('/').startsWith(path.join('/'))
}
