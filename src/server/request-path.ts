// What a path of /api/v1 or /apis/GROUP/VERSION names.

export interface ResourcePath {
  /** `v1`, `node.k8s.io/v1` */
  apiVersion: string
  namespace?: string | undefined
  plural: string
  name?: string | undefined
  subresource?: string | undefined
}

// k8s: these words behind a namespace's name are its subresources, every other one is a resource inside it
const ofNamespace = new Set(['status', 'finalize'])

/** undefined for every other shape: too short, too long, an empty part, bad escapes. */
export function resourcePath(pathname: string): ResourcePath | undefined {
  const parts = partsOf(pathname)
  if (!parts) return undefined
  const [root, ...rest] = parts
  if (root === 'api' && rest.length >= 2) return inVersion(rest[0] ?? '', rest.slice(1))
  if (root === 'apis' && rest.length >= 3) return inVersion(`${rest[0]}/${rest[1]}`, rest.slice(2))
  return undefined
}

function inVersion(apiVersion: string, parts: string[]): ResourcePath | undefined {
  const [first, name = '', third] = parts
  const inside = first === 'namespaces' && third !== undefined && !(ofNamespace.has(third) && parts.length === 3)
  const [plural = '', object, subresource, ...more] = inside ? parts.slice(2) : parts
  if (more.length > 0) return undefined
  return { apiVersion, namespace: inside ? name : undefined, plural, name: object, subresource }
}

function partsOf(pathname: string): string[] | undefined {
  try {
    const parts = pathname.replace(/^\//, '').replace(/\/$/, '').split('/').map(decodeURIComponent)
    return parts.includes('') ? undefined : parts
  } catch {
    return undefined
  }
}
