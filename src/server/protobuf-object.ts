// Request bodies in Kubernetes' protobuf: four magic bytes, and an envelope (runtime.Unknown) around one object.
// kubectl creates with it, as does every typed client-go client that is told to. Answers are always JSON, which they all take.
import { bodyKinds, kinds } from '../api/kinds.ts'
import { deleteOptions } from '../api/protobuf/delete-options.ts'
import { numbersOf } from '../api/protobuf/numbers.ts'
import type { AnyType, Fields } from '../api/schema.ts'
import { decodeMessage } from './protobuf-message.ts'
import { fieldsOf, partOf, textOf, type Wire, wireOf } from './protobuf-wire.ts'

export const protobufType = 'application/vnd.kubernetes.protobuf'
const magic = Buffer.from('k8s\0')

interface Message {
  name: string
  fields: Fields
}

/** The object inside, as JSON would say it. Throws an Error that says why not: bytes that make no sense, a kind nobody serves. */
export function objectOfProtobuf(bytes: Uint8Array): Record<string, unknown> {
  if (!magic.equals(bytes.subarray(0, magic.length)))
    throw new Error('provided data does not appear to be a protobuf message, expected prefix 6b387300')
  const { apiVersion, kind, raw } = readEnvelope(wireOf(bytes.subarray(magic.length)))
  if (kind === '') throw new Error("Object 'Kind' is missing")
  const message = messageOf(apiVersion, kind)
  if (!message) throw new Error(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`)
  return { apiVersion, kind, ...decodeMessage(message.name, message.fields, raw) }
}

/** k8s: DeleteOptions are of every group. */
function messageOf(apiVersion: string, kind: string): Message | undefined {
  if (kind === 'DeleteOptions') return message('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions', deleteOptions)
  // policy/v1beta1 says an Eviction in the same numbers
  const its =
    kinds.find((k) => k.kind === kind && k.apiVersion === apiVersion) ??
    bodyKinds.find((k) => k.kind === kind && apiVersion.startsWith(`${k.group}/`))
  // kinds of our own group are JSON alone: nobody has agreed on numbers for them
  return its && numbersOf(its.openapiName) && message(its.openapiName, its.type)
}

const message = (name: string, { shape }: AnyType): Message => ({ name, fields: shape.is === 'object' ? shape.fields : {} })

/** runtime.Unknown: TypeMeta and the object's bytes. k8s: its contentEncoding and contentType are not looked at. */
function readEnvelope(wire: Wire): { apiVersion: string; kind: string; raw: Wire } {
  const envelope = { apiVersion: '', kind: '', raw: wireOf(new Uint8Array(0)) }
  for (const { number, value } of fieldsOf(wire)) {
    if (number === 2) envelope.raw = partOf(value)
    if (number === 1)
      for (const part of fieldsOf(partOf(value))) {
        if (part.number === 1) envelope.apiVersion = textOf(part.value)
        if (part.number === 2) envelope.kind = textOf(part.value)
      }
  }
  return envelope
}
