// base64 without node: the api room runs in browsers too.

const encoder = new TextEncoder()

/** The UTF-8 bytes of `text` as base64. */
export function base64OfText(text: string): string {
  const bytes = encoder.encode(text)
  let binary = ''
  // in pieces: an argument list has a limit
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192))
  return btoa(binary)
}

/** How many bytes padded base64 stands for. */
export const base64Length = (base64: string): number => (base64.length / 4) * 3 - (/=*$/.exec(base64)?.[0].length ?? 0)

const strict = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The same without line breaks; undefined when it is no base64 with its padding. */
export function canonicalBase64(text: string): string | undefined {
  const bare = text.replaceAll(/[\r\n]/g, '')
  return strict.test(bare) ? bare : undefined
}

/** The text whose UTF-8 bytes padded base64 stands for. */
export const textOfBase64 = (base64: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)))
