// Every declared kind against the published models of Kubernetes 1.32: no field missing, none invented, none mistyped.
import assert from 'node:assert/strict'
import * as models from '@kubernetes/client-node/dist/gen/models/ObjectSerializer.js'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { base64OfText } from './base64.ts'
import { fieldErrorText } from './field-error.ts'
import { kinds } from './kinds.ts'
import { type AnyType, namedTypes } from './schema.ts'
import { validateCreate, validateUpdate } from './validate.ts'

interface Attribute {
  baseName: string
  type: string
  format: string
}
type Model = { attributeTypeMap?: readonly Attribute[] }

/** `io.k8s.api.core.v1.Event` is CoreV1Event there, since another group has an Event, too. */
function attributesOf(typeName: string): readonly Attribute[] {
  const name = typeName.split('.').at(-1) ?? ''
  const published = models as unknown as Record<string, Model>
  const model = published[`V1${name}`] ?? published[`CoreV1${name}`]
  assert.ok(model?.attributeTypeMap, `no model of ${typeName}`)
  return model.attributeTypeMap
}

/** Fields of upstream that we leave out, and why. */
const leftOut: Record<string, string> = {
  'LoadBalancerStatus.ingress': 'nothing here balances load',
  'ServiceStatus.conditions': 'nothing here allocates for Services',
}

/** Structs that nothing here reads: kept whole and unread, whatever they say. */
const unread = new Set([
  ...['NodeSpec.configSource', 'NodeStatus.config', 'ContainerStatus.user', 'VolumeProjection.clusterTrustBundle'],
  ...['PodSecurityContext.windowsOptions', 'SecurityContext.windowsOptions', 'ServiceSpec.sessionAffinityConfig'],
  'Eviction.deleteOptions',
])
const isForeignVolume = (path: string): boolean => path.startsWith('Volume.')

describe('kinds', () => {
  // client-node has no models of measurements, and upstream knows nothing of our own group
  const published = [...namedTypes].filter(([typeName]) => !/^(io\.k8s\.metrics|dev\.polypod)\./.test(typeName))
  const fields = published.flatMap(([typeName, type]) => {
    const short = typeName.split('.').at(-1) ?? ''
    const own = type.shape.is === 'object' ? type.shape.fields : {}
    return Object.entries(own).map(([field, of]) => ({ typeName, path: `${short}.${field}`, field, of }))
  })

  it('have every field of upstream, but for a few with a reason', () => {
    const missing = published.flatMap(([typeName]) => {
      const ours = new Set(fields.filter((f) => f.typeName === typeName).map((f) => f.field))
      const lacking = attributesOf(typeName).filter(({ baseName }) => !ours.has(baseName))
      return lacking.map(({ baseName }) => `${typeName.split('.').at(-1)}.${baseName}`)
    })
    assert.deepEqual(missing.sort(), Object.keys(leftOut))
  })

  it('have no field that upstream has not, and none of another type', () => {
    const wrong = fields.flatMap(({ typeName, path, field, of }) => {
      const theirs = attributesOf(typeName).find(({ baseName }) => baseName === field)
      if (!theirs) return [`${path} is unknown`]
      const isUnread = unread.has(path) || isForeignVolume(path)
      return agrees(of, theirs.type, theirs.format, isUnread) ? [] : [`${path} is ${theirs.type} (${theirs.format})`]
    })
    assert.deepEqual(wrong, [])
  })

  it('are served under names of their own', () => {
    const paths = kinds.map((k) => `${k.apiVersion}/${k.plural}`)
    assert.deepEqual([...new Set(paths)], paths)
  })
})

const refs: Record<string, string> = {
  Time: 'Date|date-time',
  MicroTime: 'V1MicroTime|date-time-micro',
  IntOrString: 'IntOrString|int-or-string',
  Quantity: 'string|',
}

function agrees(ours: AnyType, type: string, format: string, isUnread: boolean): boolean {
  const { shape, openapi } = ours
  const ref = typeof openapi.$ref === 'string' ? openapi.$ref.split('.').at(-1) : undefined
  if (shape.is === 'any') return type === 'any' || (isUnread && /^(Core)?V1/.test(type))
  if (shape.is === 'object') return ref !== undefined && [`V1${ref}`, `CoreV1${ref}`].includes(type)
  if (shape.is === 'list') {
    const item = /^Array<(.*)>$/.exec(type)?.[1]
    return item !== undefined && (shape.of.shape.is === 'any' || agrees(shape.of, item, format, isUnread))
  }
  if (shape.is === 'map') {
    const item = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1]
    return item !== undefined && agrees(shape.of, item, format, isUnread)
  }
  if (ref !== undefined) return refs[ref] === `${type}|${format}`
  const names: Record<string, string> = { integer: 'number' }
  const own = String(openapi.type)
  return (names[own] ?? own) === type && (openapi.format ?? '') === format
}

const scalars: Record<string, fc.Arbitrary<unknown>> = {
  string: fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('constructor', '__proto__', 'Exists', 'a')),
  boolean: fc.boolean(),
  'integer/int32': fc.integer(),
  'integer/int64': fc.maxSafeInteger(),
  'string/byte': fc.string({ maxLength: 8 }).map(base64OfText),
  Time: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }).map((d) => d.toISOString()),
  MicroTime: fc.constantFrom('2026-01-02T03:04:05.678901Z', '2026-01-02T03:04:05+02:00'),
  IntOrString: fc.oneof(fc.nat(70_000), fc.string({ maxLength: 8 })),
  Quantity: fc.oneof(
    fc.constantFrom('0', '100m', '0.5Gi', '1e3', '1.5', '1024Ki', '-1', '3n', 'Ki'.padStart(6, '7')),
    fc.nat(9999),
  ),
}

/** JSON that a type decodes, in all the spellings of absence. */
function jsonOf({ shape, openapi }: AnyType): fc.Arbitrary<unknown> {
  if (shape.is === 'any') return fc.dictionary(fc.string({ maxLength: 3 }), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 })
  if (shape.is === 'list') return fc.array(fc.option(jsonOf(shape.of), { freq: 9 }), { maxLength: 2 })
  if (shape.is === 'map')
    return fc.dictionary(fc.constantFrom('cpu', 'a', 'b/c', '', 'constructor', '__proto__'), jsonOf(shape.of), { maxKeys: 2 })
  if (shape.is === 'object') {
    const own = Object.entries(shape.fields).map(([field, of]) => [field, fc.option(jsonOf(of), { freq: 9 })] as const)
    // few fields at a time: faults are found faster and told shorter
    const some = fc.subarray(own, { maxLength: Math.min(6, own.length) })
    return some.chain((chosen) => fc.record(Object.fromEntries(chosen)))
  }
  const name =
    typeof openapi.$ref === 'string' ? openapi.$ref.split('.').at(-1) : [openapi.type, openapi.format].filter(Boolean).join('/')
  const found = scalars[name ?? '']
  assert.ok(found, `no values of ${name}`)
  return found
}

describe('decoding and judging', () => {
  for (const kind of kinds)
    it(`of a ${kind.kind} is stable`, () => {
      const wire = jsonOf(kind.type).map((value): unknown =>
        JSON.parse(JSON.stringify({ metadata: { name: 'x' }, ...(value as object) })),
      )
      fc.assert(
        fc.property(wire, (given) => {
          const before = structuredClone(given)
          const once = kind.decode(given, { unknown: [] })
          assert.deepEqual(given, before)
          const unknown: string[] = []
          const again = kind.decode(JSON.parse(JSON.stringify(once)), { unknown })
          assert.deepEqual(again, once)
          assert.deepEqual(unknown, [])
          // whatever was decoded can be judged, and staying as it is is no forbidden change
          const faults = new Set(validateCreate(kind, once).map(fieldErrorText))
          const more = validateUpdate(kind, again, once).map(fieldErrorText)
          const refused = more.filter((fault) => !faults.has(fault) && /immutable|may not|updates|additions/.test(fault))
          assert.deepEqual(refused, [])
        }),
        { numRuns: kind.kind === 'Pod' ? 100 : 60 },
      )
    })
})
