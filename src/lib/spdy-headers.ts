// SPDY/3.1 header blocks: name/value pairs, zlib-compressed with one context per direction of a session.
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib'

/** Lower-case names; several values of one name are joined by a NUL character, as on the wire. */
export type Headers = Record<string, string>

/** A peer may not make us hold more than this for one header block, however well it compresses. */
const maxBlockBytes = 64 * 1024

const dictionaryNames =
  'options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age allow ' +
  'authorization cache-control connection content-base content-encoding content-language content-length content-location ' +
  'content-md5 content-range content-type date etag expect expires from host if-match if-modified-since if-none-match ' +
  'if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate proxy-authorization range ' +
  'referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning www-authenticate method get ' +
  'status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin'

const dictionaryText =
  '100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505' +
  '203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden' +
  '404 Not Found500 Internal Server Error501 Not Implemented503 Service Unavailable' +
  'Jan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMT' +
  'chunked,text/html,image/png,image/jpg,image/gif,application/xml,application/xhtml+xml,text/plain,text/javascript,public' +
  'privatemax-age=gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.'

/** The dictionary of the SPDY/3 draft: length-prefixed names, then bare text. 1423 bytes. */
export const spdyDictionary: Buffer = Buffer.concat([
  ...dictionaryNames.split(' ').flatMap((name) => prefixed(name.replace('_', ' '))),
  Buffer.from(dictionaryText, 'latin1'),
])

// a hoisted function: the dictionary above is built while the module loads
function prefixed(text: string): Buffer[] {
  const bytes = Buffer.from(text, 'utf8')
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return [length, bytes]
}

/** The block before compression: count, then length-prefixed name and value of each. */
export function encodeHeaders(headers: Headers): Buffer {
  const entries = Object.entries(headers)
  const count = Buffer.alloc(4)
  count.writeUInt32BE(entries.length)
  return Buffer.concat([count, ...entries.flatMap(([name, value]) => [...prefixed(name.toLowerCase()), ...prefixed(value)])])
}

/** Throws RangeError when a length points outside the block. Names are lower-cased: Go peers write them as they are. */
export function decodeHeaders(block: Buffer): Headers {
  let at = 0
  const number = () => block.readUInt32BE((at += 4) - 4)
  const text = () => {
    const length = number()
    if (at + length > block.length) throw new RangeError('header block ends inside a string')
    return block.toString('utf8', at, (at += length))
  }
  const headers: Headers = Object.create(null) as Headers
  for (let left = number(); left > 0; left--) {
    const name = text().toLowerCase()
    const value = text()
    const before = headers[name]
    headers[name] = before === undefined ? value : `${before}\0${value}`
  }
  return { ...headers }
}

/** One direction's shared zlib context. Calls must not overlap: the caller keeps frames in order anyway. */
export interface HeaderCodec<From, To> {
  code(input: From): Promise<To>
  close(): void
}

export function headerCompressor(): HeaderCodec<Headers, Buffer> {
  const zlib = createDeflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH })
  const through = feed(zlib)
  return { code: (headers) => through(encodeHeaders(headers)), close: () => zlib.destroy() }
}

/** `code` rejects on a damaged block or one that unfolds to more than 64 KiB; the session is lost then. */
export function headerDecompressor(): HeaderCodec<Buffer, Headers> {
  const zlib = createInflate({ dictionary: spdyDictionary, flush: constants.Z_SYNC_FLUSH })
  const through = feed(zlib)
  return { code: async (block) => decodeHeaders(await through(block)), close: () => zlib.destroy() }
}

function feed(zlib: Deflate | Inflate): (input: Buffer) => Promise<Buffer> {
  let parts: Buffer[] = []
  let size = 0
  let failed: Error | undefined
  let refuse: ((error: Error) => void) | undefined
  zlib.on('data', (part: Buffer) => {
    parts.push(part)
    size += part.length
    if (size > maxBlockBytes) zlib.destroy(new RangeError(`header block is larger than ${maxBlockBytes} bytes`))
  })
  zlib.on('error', (error: Error) => {
    failed = error
    refuse?.(error)
  })
  zlib.on('close', () => refuse?.(failed ?? new Error('header codec is closed')))
  return (input) =>
    new Promise((resolve, reject) => {
      if (failed) return reject(failed)
      refuse = reject
      parts = []
      size = 0
      zlib.write(input, (error) => (error ? reject(error) : resolve(Buffer.concat(parts))))
    })
}
