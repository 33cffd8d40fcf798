// Objects and lists in the form the client asked for. What is served as it is goes out as the stored bytes.
import type { AnyKind } from '../api/kind.ts'
import type { Status } from '../api/status.ts'
import { yaml } from '../lib/lazy-yaml.ts'
import { type AnswerForm, answerForm } from './accept.ts'
import type { Stored, StoredList } from './api-server.ts'
import type { Call } from './call.ts'
import { send, sendJson, sendStatus } from './respond.ts'
import { columnDefinitions, type IncludeObject, partialMetadata, tableRow } from './table.ts'

/** Throws 406. */
export const formOf = ({ request }: Call): AnswerForm => answerForm(request.headers.accept)

const includeOf = (query: URLSearchParams): IncludeObject => {
  const word = query.get('includeObject')
  return word === 'None' || word === 'Object' ? word : 'Metadata'
}

export async function sendStored(call: Call, kind: AnyKind, code: number, stored: Stored): Promise<void> {
  const { form, version, encoding } = formOf(call)
  if (form === 'table') return sendJson(call, code, tableOf(call, kind, [stored], { resourceVersion: String(stored.revision) }))
  if (form === 'metadata') return sendJson(call, code, partialMetadata(stored.object, version))
  if (encoding === 'yaml') return sendYaml(call, code, stored.object)
  if (wantsPretty(call)) return sendPretty(call, code, stored.object)
  await send(call, { code, type: 'application/json', pieces: [stored.bytes, newline] })
}

export async function sendList(call: Call, kind: AnyKind, list: StoredList): Promise<void> {
  const { form, version, encoding } = formOf(call)
  const metadata = listMeta(list)
  if (form === 'table') return sendJson(call, 200, tableOf(call, kind, list.items, metadata))
  if (form === 'metadata') {
    const items = list.items.map(({ object }) => partialMetadata(object, version))
    return sendJson(call, 200, { kind: 'PartialObjectMetadataList', apiVersion: `meta.k8s.io/${version}`, metadata, items })
  }
  const head = { kind: `${kind.kind}List`, apiVersion: kind.apiVersion, metadata }
  if (encoding === 'yaml') return sendYaml(call, 200, { ...head, items: list.items.map(({ object }) => object) })
  if (wantsPretty(call)) return sendPretty(call, 200, { ...head, items: list.items.map(({ object }) => object) })
  await send(call, { code: 200, type: 'application/json', pieces: listPieces(head, list.items) })
}

/** The object that is going, or the Status of one that is gone. */
export const sendDeleted = (call: Call, kind: AnyKind, gone: Stored | Status): Promise<void> =>
  'bytes' in gone ? sendStored(call, kind, 200, gone) : sendStatus(call, gone)

const listMeta = ({ resourceVersion, continue: token, remainingItemCount }: StoredList) => ({
  resourceVersion,
  ...(token ? { continue: token } : {}),
  ...(remainingItemCount ? { remainingItemCount } : {}),
})

const [newline, comma, tail] = [Buffer.from('\n'), Buffer.from(','), Buffer.from(']}\n')]

/** cost: the items are not touched, however many there are. */
function listPieces(head: Record<string, unknown>, items: readonly Stored[]): Uint8Array[] {
  const pieces: Uint8Array[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)]
  for (const [i, { bytes }] of items.entries()) {
    if (i > 0) pieces.push(comma)
    pieces.push(bytes)
  }
  pieces.push(tail)
  return pieces
}

/** A Table of `items`; `definitions` are left out behind the first one of a watch. */
export function tableOf(
  call: Call,
  kind: AnyKind,
  items: readonly Stored[],
  metadata: Record<string, unknown>,
): Record<string, unknown> {
  const { version } = formOf(call)
  const include = includeOf(call.query)
  const now = call.world.clock.now()
  const rows = items.map(({ object }) => ({
    cells: tableRow(kind, object, now),
    ...(include === 'Object' ? { object } : {}),
    ...(include === 'Metadata' ? { object: partialMetadata(object, version) } : {}),
  }))
  return { kind: 'Table', apiVersion: `meta.k8s.io/${version}`, metadata, columnDefinitions: columnDefinitions(kind), rows }
}

/** k8s: people who look with curl or a browser get lines, unless they say no. */
function wantsPretty({ query, request }: Call): boolean {
  const said = query.get('pretty')
  if (said !== null) return !['0', 'false'].includes(said)
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers['user-agent'] ?? '')
}

const sendPretty = (call: Call, code: number, value: unknown): Promise<void> =>
  send(call, { code, type: 'application/json', pieces: [Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`)] })

const sendYaml = (call: Call, code: number, value: unknown): Promise<void> =>
  send(call, {
    code,
    type: 'application/yaml',
    pieces: [Buffer.from(yaml().stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }))],
  })
