// Which texts are names of images, by the grammar that registries agree on.

const host = String.raw`(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[a-fA-F0-9:]+\])(?::\d+)?`
const part = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const tag = String.raw`\w[\w.-]{0,127}`
const digest = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}'
const reference = new RegExp(`^(?:${host}/)?${part}(?:/${part})*(?::${tag})?(?:@${digest})?$`)

/** Why `image` is no name of an image, in upstream's words; undefined when it is one. */
export function imageNameError(image: string): string | undefined {
  if (/^[0-9a-f]{64}$/.test(image)) return `invalid repository name (${image}), cannot specify 64-byte hexadecimal strings`
  // upper case without a dot is no host, but would pass for one
  const isLower = isHosted(image) || pathOf(image) === pathOf(image).toLowerCase()
  if (isLower && reference.test(image)) return undefined
  if (reference.test(lowered(image))) return `invalid reference format: repository name (${pathOf(image)}) must be lowercase`
  return 'invalid reference format'
}

/** With its path in lower case; host, tag and digest left alone. */
function lowered(image: string): string {
  const path = pathOf(image)
  const at = image.indexOf(path, isHosted(image) ? image.indexOf('/') : 0)
  return image.slice(0, at) + path.toLowerCase() + image.slice(at + path.length)
}

function pathOf(image: string): string {
  const name = image.replace(/@.*$/, '').replace(/:[\w.-]+$/, '')
  return isHosted(name) ? name.slice(name.indexOf('/') + 1) : name
}

/** The first part is a host when it has a dot or a port, or is localhost. */
const isHosted = (name: string): boolean => /^[^/]*[.:][^/]*\/|^localhost\//.test(name)
