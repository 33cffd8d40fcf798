// The Swagger document in protobuf: kubectl before 1.27 validates and merges with nothing else.
// Numbers are those of gnostic's OpenAPIv2.proto; only the messages that Kubernetes clients read are written.
import type { Json } from './openapi-schema.ts'
import type { SwaggerDocument } from './openapi-v2.ts'

/** One field on the wire. */
function bytesField(number: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([varint(number * 8 + 2), varint(value.length), value])
}
const textField = (number: number, value: unknown): Uint8Array =>
  typeof value === 'string' && value !== '' ? bytesField(number, Buffer.from(value)) : nothing
const boolField = (number: number, value: unknown): Uint8Array =>
  value === true ? Buffer.concat([varint(number * 8), varint(1)]) : nothing
const textFields = (number: number, values: unknown): Uint8Array[] =>
  Array.isArray(values) ? values.map((value) => textField(number, value)) : []
const nothing = new Uint8Array(0)

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest])
    bytes.push((rest % 128) + 128)
  }
}

/** NamedX: a name and what it stands for. */
const named = (number: number, name: string, value: Uint8Array): Uint8Array =>
  bytesField(number, Buffer.concat([textField(1, name), bytesField(2, value)]))

/** Any and the vendor extensions hold YAML text; JSON is YAML. */
const anyOf = (value: unknown): Uint8Array => textField(2, `${JSON.stringify(value)}\n`)
const extensions = (number: number, value: Json): Uint8Array[] =>
  Object.entries(value).flatMap(([name, v]) => (name.startsWith('x-') ? [named(number, name, anyOf(v))] : []))

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

function schema(value: Json): Uint8Array {
  const { items, additionalProperties: additional, properties, enum: choices } = value
  const types = Array.isArray(value.type) ? value.type : [value.type]
  return Buffer.concat([
    textField(1, value.$ref),
    textField(2, value.format),
    textField(4, value.description),
    ...(value.default === undefined ? [] : [bytesField(5, anyOf(value.default))]),
    ...textFields(19, value.required),
    ...(Array.isArray(choices) ? choices.map((choice) => bytesField(20, anyOf(choice))) : []),
    ...(isJson(additional) ? [bytesField(21, bytesField(1, schema(additional)))] : []),
    ...(value.type === undefined ? [] : [bytesField(22, Buffer.concat(textFields(1, types)))]),
    ...(isJson(items) ? [bytesField(23, bytesField(1, schema(items)))] : []),
    ...(isJson(properties) ? [bytesField(25, namedSchemas(properties))] : []),
    ...extensions(31, value),
  ])
}

const namedSchemas = (schemas: Json): Uint8Array =>
  Buffer.concat(Object.entries(schemas).map(([name, value]) => named(1, name, schema(value as Json))))

function parameter(value: Json): Uint8Array {
  const facts = [boolField(1, value.required), textField(2, value.in), textField(3, value.description), textField(4, value.name)]
  // ParametersItem.parameter > Parameter.body_parameter or .non_body_parameter
  if (value.in === 'body') {
    const body = [
      ...[textField(1, value.description), textField(2, value.name), textField(3, value.in), boolField(4, value.required)],
      bytesField(5, schema(value.schema as Json)),
    ]
    return bytesField(1, bytesField(1, Buffer.concat(body)))
  }
  const place = value.in === 'path' ? 4 : 3
  // in a path parameter the type is field 5, in a query parameter an "allow empty" comes before it
  const type = textField(place === 4 ? 5 : 6, value.type)
  return bytesField(1, bytesField(2, bytesField(place, Buffer.concat([...facts, type]))))
}

function operation(value: Json): Uint8Array {
  return Buffer.concat([
    textField(3, value.description),
    textField(5, value.operationId),
    ...textFields(7, value.consumes),
    ...parameters(8, value.parameters),
    bytesField(9, responses(value.responses as Json)),
    ...extensions(13, value),
  ])
}

const parameters = (number: number, list: unknown): Uint8Array[] =>
  Array.isArray(list) ? list.map((value) => bytesField(number, parameter(value as Json))) : []

/** Responses > NamedResponseValue > ResponseValue > Response. */
const responses = (value: Json): Uint8Array =>
  Buffer.concat(
    Object.entries(value).map(([code, answer]) => {
      const { description, schema: its } = answer as Json
      // SchemaItem.schema
      const content = isJson(its) ? [bytesField(2, bytesField(1, schema(its)))] : []
      return named(1, code, bytesField(1, Buffer.concat([textField(1, description), ...content])))
    }),
  )

const methods: Record<string, number> = { get: 2, put: 3, post: 4, delete: 5, patch: 8 }

const pathItem = (value: Json): Uint8Array =>
  Buffer.concat([
    ...Object.entries(methods).flatMap(([method, number]) => {
      const its = value[method]
      return isJson(its) ? [bytesField(number, operation(its))] : []
    }),
    ...parameters(9, value.parameters),
  ])

export function openapiV2Bytes(document: SwaggerDocument): Buffer {
  return Buffer.concat([
    textField(1, document.swagger),
    bytesField(2, Buffer.concat([textField(1, document.info.title), textField(2, document.info.version)])),
    bytesField(8, Buffer.concat(Object.entries(document.paths).map(([path, value]) => named(2, path, pathItem(value))))),
    bytesField(9, namedSchemas(document.definitions)),
  ])
}
