// Request bodies: read within the limit, checked, and turned into plain JSON values.
import type { Readable } from 'node:stream'
import { badRequest, type StatusError, tooLarge, unsupportedMediaType } from '../api/status.ts'
import { yaml } from '../lib/lazy-yaml.ts'
import { maxDepth, scanJson } from './json-scan.ts'
import { objectOfProtobuf, protobufType } from './protobuf-object.ts'

/** 3 MiB, as upstream. */
export const bodyLimitBytes = 3 * 1024 * 1024

/** Rejects with 413 as soon as the limit is passed, leaving the rest unread. */
export async function readBody(request: Readable & { headers: { 'content-length'?: string | undefined } }): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > bodyLimitBytes) throw tooLarge(bodyLimitBytes)
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request.iterator({ destroyOnReturn: false })) {
    const bytes = part as Buffer
    size += bytes.length
    if (size > bodyLimitBytes) throw tooLarge(bodyLimitBytes)
    parts.push(bytes)
  }
  return Buffer.concat(parts, size)
}

export interface ParsedBody {
  value: unknown
  /** Paths of keys that came twice. */
  duplicates: readonly string[]
}

const textTypes = ['application/json', 'application/yaml']

/** `application/json; charset=utf-8` to `application/json`. */
export const mediaType = (header: string | undefined): string => (header ?? '').split(';')[0]?.trim().toLowerCase() ?? ''

/**
 * A body that should hold an object. Throws 415 for a type that is not read, 400 for what is no text or no JSON or YAML.
 * `kind` is what the client should have sent, for the message.
 */
export function parseObject(bytes: Uint8Array, contentType: string | undefined, kind: string): ParsedBody {
  const type = mediaType(contentType) || 'application/json'
  const refuse = (why: string) =>
    badRequest(`the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(bytes)})`)
  if (type === protobufType) return { value: fromProtobuf(bytes, refuse), duplicates: [] }
  if (!textTypes.includes(type)) throw unsupportedMediaType([...textTypes, protobufType])
  const text = textOf(bytes, refuse)
  // k8s: a body whose first sign is `{` is JSON, whatever was said of it
  return type === 'application/yaml' && !/^\s*\{/.test(text) ? parseYaml(text, refuse) : parseJson(text, refuse)
}

function fromProtobuf(bytes: Uint8Array, refuse: Refuse): Record<string, unknown> {
  try {
    return objectOfProtobuf(bytes)
  } catch (error) {
    throw refuse((error as Error).message)
  }
}

/** A patch of any JSON kind. Throws 400. */
export function parsePatch(bytes: Uint8Array): ParsedBody {
  const refuse = (why: string) => badRequest(`error decoding patch: ${why}`)
  return parseJson(textOf(bytes, refuse), refuse)
}

type Refuse = (why: string) => StatusError

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(bytes: Uint8Array, refuse: Refuse): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw refuse('the text is not valid UTF-8')
  }
}

function parseJson(text: string, refuse: Refuse): ParsedBody {
  const { tooDeep, duplicates } = scanJson(text)
  if (tooDeep) throw refuse(`couldn't get version/kind; json parse error: exceeded max depth of ${maxDepth}`)
  try {
    return { value: JSON.parse(text) as unknown, duplicates }
  } catch (error) {
    throw refuse(`couldn't get version/kind; json parse error: ${withoutText(error)}`)
  }
}

function parseYaml(text: string, refuse: Refuse): ParsedBody {
  try {
    // through JSON: dates become texts, exotic keys become strings, and nothing but plain values remains
    const value = yaml().parse(text, { version: '1.1', schema: 'yaml-1.1', uniqueKeys: false, logLevel: 'error' }) as unknown
    const plain = JSON.stringify(value)
    if (scanJson(plain).tooDeep) throw new Error('exceeded max depth')
    return { value: JSON.parse(plain) as unknown, duplicates: [] }
  } catch (error) {
    const why =
      error instanceof RangeError || /call stack/.test(String(error))
        ? 'exceeded max depth'
        : (error as Error).message.split('\n')[0]
    throw refuse(`error converting YAML to JSON: yaml: ${why}`)
  }
}

/** V8 quotes the text it stumbled on, which may be long or secret; where it stumbled is enough. */
function withoutText(error: unknown): string {
  const message = error instanceof Error ? error.message : ''
  if (/end of JSON/.test(message)) return 'unexpected end of JSON input'
  const sign = /^Unexpected token (.+?),? /s.exec(message)?.[1]
  const at = /at position (\d+)/.exec(message)?.[1]
  if (sign !== undefined) return `invalid character ${sign} in JSON${at === undefined ? '' : ` at position ${at}`}`
  return message.replace(/ in JSON|"[^]*$/g, '').trim() || 'invalid JSON'
}

/** k8s: JSON is shown as it is, anything else in hexadecimal. */
function summary(bytes: Uint8Array): string {
  if (bytes.length === 0) return '<empty>'
  const start = Buffer.from(bytes.subarray(0, 30))
  return `${start.toString(bytes[0] === 0x7b ? 'latin1' : 'hex')}${bytes.length > 30 ? ' ...' : ''}`
}
