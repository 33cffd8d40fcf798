// How runtimes spell the name of an image in full.

/** `busybox` is `docker.io/library/busybox:latest`; an id (`sha256:…`) and a name with digest stay as they are. */
export function fullImageName(image: string): string {
  if (/^(sha256:)?[0-9a-f]{64}$/.test(image)) return image
  const [first = '', ...rest] = image.split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  const path = hasHost ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`
  return path.includes('@') || hasTag(path) ? path : `${path}:latest`
}

const hasTag = (path: string) => path.slice(path.lastIndexOf('/')).includes(':')

/** The name without tag and digest. */
export function repositoryOf(image: string): string {
  const path = fullImageName(image).replace(/@.*$/, '')
  return hasTag(path) ? path.slice(0, path.lastIndexOf(':')) : path
}
