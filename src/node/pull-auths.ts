// Credentials for a Pod's images, from the Secrets in imagePullSecrets.
import type { Pod } from '../api/core/pod.ts'
import type { Configs } from './config-source.ts'
import type { PullAuth } from './image-pull.ts'

interface DockerAuth {
  username?: unknown
  password?: unknown
  auth?: unknown
}

/** Of every registry the Secrets name, in their order. k8s: a Secret that is missing or unreadable is skipped. */
export async function pullAuths(pod: Pod, configs: Configs): Promise<PullAuth[]> {
  const found: PullAuth[] = []
  for (const { name } of pod.spec.imagePullSecrets ?? []) {
    const secret = name ? await configs.secret(pod.metadata.namespace ?? '', name).catch(() => undefined) : undefined
    found.push(...authsOf(secret?.data?.['.dockerconfigjson']))
  }
  return found
}

/** `encoded` is base64 of a Docker config.json. */
function authsOf(encoded: string | undefined): PullAuth[] {
  if (encoded === undefined) return []
  try {
    const config = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8')) as { auths?: Record<string, DockerAuth> }
    return Object.entries(config.auths ?? {}).flatMap(([server, auth]) => {
      const { username, password } = credentials(auth)
      return username === '' ? [] : [{ username, password, server }]
    })
  } catch {
    return []
  }
}

function credentials({ username, password, auth }: DockerAuth): { username: string; password: string } {
  if (typeof auth !== 'string') return { username: String(username ?? ''), password: String(password ?? '') }
  const [name = '', ...rest] = Buffer.from(auth, 'base64').toString('utf8').split(':')
  return { username: name, password: rest.join(':') }
}
