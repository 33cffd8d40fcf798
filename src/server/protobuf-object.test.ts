import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { Node } from '../api/core/node.ts'
import { Pod } from '../api/core/pod.ts'
import { Service } from '../api/core/service.ts'
import type { AnyKind } from '../api/kind.ts'
import { kinds } from '../api/kinds.ts'
import { undeclaredType } from '../api/protobuf/undeclared-types.ts'
import { type AnyType, DecodeError } from '../api/schema.ts'
import { type Status, StatusError } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { envelope, field, protobufOf } from '../testing/protobuf.ts'
import { parseObject } from './body.ts'
import { objectOfProtobuf, protobufType } from './protobuf-object.ts'
import { WireError } from './protobuf-wire.ts'

// what `kubectl create namespace default` of 1.32 sends
const namespace = Buffer.from(
  '6b3873000a0f0a02763112094e616d657370616365121f0a170a0764656661756c7412001a0022002a00320038004200120' + '01a020a001a002200',
  'hex',
)

const named = (name: string) => field(1, field(1, name))
const bodyOf = (apiVersion: string, kind: string, ...parts: Buffer[]) => envelope(apiVersion, kind, Buffer.concat(parts))

/** As the server sees it, by way of protobuf. */
const throughProtobuf = (kind: AnyKind, object: Record<string, unknown>) =>
  kind.decode(objectOfProtobuf(protobufOf(kind, object)), { unknown: [] })

const busy = {
  metadata: {
    name: 'busy',
    labels: { app: 'a', __proto: '' },
    creationTimestamp: '2026-01-02T03:04:05Z',
    finalizers: ['x/y', 'z'],
  },
  spec: {
    runtimeClassName: 'kata',
    overhead: { cpu: '250m', memory: '120Mi' },
    terminationGracePeriodSeconds: 0,
    securityContext: { supplementalGroups: [1, 2 ** 40], windowsOptions: { hostProcess: false } },
    volumes: [
      { name: 'a', emptyDir: { medium: 'Memory', sizeLimit: '1Gi' } },
      { name: 'b', nfs: { server: 's', path: '/p' } },
      {
        name: 'c',
        projected: { sources: [{ downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: 'metadata.labels' } }] } }] },
      },
    ],
    containers: [
      {
        name: 'main',
        image: 'busybox',
        command: ['sh', '-c', ''],
        env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'conf', key: 'k', optional: false } } }],
        envFrom: [{ prefix: 'P_', secretRef: { name: 's' } }],
        livenessProbe: { httpGet: { port: 'http', path: '/' }, periodSeconds: 3 },
        readinessProbe: { tcpSocket: { port: 80 } },
        resources: { limits: { memory: '64Mi' } },
      },
    ],
    ephemeralContainers: [{ name: 'debug', image: 'busybox', targetContainerName: 'main' }],
  },
  status: {
    startTime: '2026-01-02T03:04:05Z',
    containerStatuses: [{ name: 'main', ready: true, restartCount: 2, started: false }],
  },
}

describe('protobuf bodies', () => {
  it('are read as kubectl sends them, without the empty texts that JSON leaves out', () => {
    assert.deepEqual(objectOfProtobuf(namespace), {
      ...{ apiVersion: 'v1', kind: 'Namespace', spec: {}, status: {} },
      metadata: { name: 'default', creationTimestamp: null },
    })
  })

  cases<{ name: string; kind: AnyKind; object: Record<string, unknown> }>(
    [
      { name: 'a Pod with a little of everything', kind: Pod, object: busy },
      {
        name: 'ports by number and by name',
        kind: Service,
        object: {
          metadata: { name: 'web' },
          spec: {
            ports: [
              { port: 80, targetPort: 8080 },
              { port: 81, targetPort: 'http' },
            ],
          },
        },
      },
      {
        name: 'a node and what its kubelet said',
        kind: Node,
        object: {
          metadata: { name: 'n', managedFields: [{ manager: 'm', operation: 'Update', fieldsV1: { 'f:spec': { '.': {} } } }] },
          spec: { taints: [{ key: 'k', effect: 'NoSchedule' }] },
          status: { capacity: { cpu: '2' }, daemonEndpoints: { kubeletEndpoint: { Port: 10250 } } },
        },
      },
    ],
    ({ kind, object }) => assert.deepEqual(throughProtobuf(kind, object), kind.decode(object, { unknown: [] })),
  )

  it('say what JSON would have said, for any object of any kind but our own', () => {
    for (const kind of kinds.filter(({ group }) => group !== 'polypod.dev'))
      fc.assert(
        fc.property(anyOf(kind.openapiName, kind.type), (object) => {
          const plain = object as Record<string, unknown>
          assert.deepEqual(throughProtobuf(kind, plain), kind.decode(structuredClone(plain), { unknown: [] }))
        }),
        { numRuns: 10 },
      )
  })

  it('are not read for our own kinds, which have no numbers', () => {
    const bytes = bodyOf('polypod.dev/v1alpha1', 'NodeHandler', named('a.b'))
    assert.throws(() => objectOfProtobuf(bytes), /no kind "NodeHandler" is registered for version "polypod.dev\/v1alpha1"/)
  })

  cases(
    [
      {
        name: 'numbers below zero',
        bytes: bodyOf('scheduling.k8s.io/v1', 'PriorityClass', named('low'), field(2, -100n), field(3, 1n)),
        want: {
          ...{ apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'low' } },
          ...{ value: -100, globalDefault: true },
        },
      },
      {
        name: 'numbers in one packed field, or one by one',
        bytes: bodyOf('v1', 'Pod', field(2, field(14, Buffer.concat([field(4, Uint8Array.of(1, 0x80, 1)), field(4, 7)])))),
        want: { apiVersion: 'v1', kind: 'Pod', spec: { securityContext: { supplementalGroups: [1, 128, 7] } } },
      },
      {
        name: 'a message in two pieces, and fields nobody knows',
        bytes: bodyOf('v1', 'Namespace', named('a'), field(99, 'x'), field(1, field(2, 'b'))),
        want: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'a', generateName: 'b' } },
      },
      {
        name: 'zeros that JSON leaves out, where nobody decodes later',
        bytes: bodyOf(
          'v1',
          'Pod',
          field(2, field(1, field(2, field(7, Buffer.concat([field(1, 's'), field(2, '/'), field(3, 0)]))))),
        ),
        want: { apiVersion: 'v1', kind: 'Pod', spec: { volumes: [{ nfs: { server: 's', path: '/' } }] } },
      },
      {
        name: 'an eviction, of the old version, too',
        bytes: bodyOf('policy/v1beta1', 'Eviction', field(1, field(1, 'a')), field(2, field(1, 7))),
        want: {
          ...{ apiVersion: 'policy/v1beta1', kind: 'Eviction', metadata: { name: 'a' } },
          deleteOptions: { gracePeriodSeconds: 7 },
        },
      },
      {
        name: 'how to delete',
        bytes: bodyOf('policy/v1', 'DeleteOptions', field(1, 0n), field(2, field(1, 'u')), field(5, 'All')),
        want: {
          ...{ apiVersion: 'policy/v1', kind: 'DeleteOptions' },
          ...{ gracePeriodSeconds: 0, preconditions: { uid: 'u' }, dryRun: ['All'] },
        },
      },
    ],
    ({ bytes, want }) => assert.deepEqual(objectOfProtobuf(bytes), want),
  )

  it('keep __proto__ a key like any other', () => {
    const bytes = bodyOf('v1', 'ConfigMap', field(2, Buffer.concat([field(1, '__proto__'), field(2, 'x')])))
    const { data } = objectOfProtobuf(bytes)
    assert.deepEqual([Object.entries(data as object), Object.getPrototypeOf(data)], [[['__proto__', 'x']], Object.prototype])
  })
})

describe('protobuf bodies that are refused', () => {
  const inSpec = (...parts: Buffer[]) => bodyOf('v1', 'Pod', field(2, Buffer.concat(parts)))
  const wrong = 'the object provided is unrecognized (must be of type Pod)'
  cases(
    [
      {
        name: 'without the magic',
        bytes: Buffer.from('{}'),
        want: 'provided data does not appear to be a protobuf message, expected prefix 6b387300',
      },
      { name: 'of no kind', bytes: bodyOf('v1', ''), want: "Object 'Kind' is missing" },
      {
        name: 'of an unknown kind',
        bytes: bodyOf('v1', 'constructor'),
        want: 'no kind "constructor" is registered for version "v1"',
      },
      { name: 'of a kind in another version', bytes: bodyOf('v2', 'Pod'), want: 'no kind "Pod" is registered for version "v2"' },
      { name: 'that break off', bytes: inSpec(named('x')).subarray(0, 18), want: 'proto: unexpected EOF' },
      { name: 'with a number for a text', bytes: inSpec(field(3, 1)), want: 'proto: spec.restartPolicy: wrong wireType = 0' },
      {
        name: 'with a text for a number',
        bytes: inSpec(field(4, 'x')),
        want: 'proto: spec.terminationGracePeriodSeconds: wrong wireType = 2',
      },
      { name: 'with a group', bytes: inSpec(Buffer.of(0x0b)), want: 'proto: spec: illegal wireType 3' },
      { name: 'with field 0', bytes: inSpec(Buffer.of(0x00, 0x00)), want: 'proto: spec: illegal tag 0 (wire type 0)' },
      { name: 'with a number that never ends', bytes: inSpec(Buffer.alloc(20, 0xff)), want: 'proto: spec: integer overflow' },
      {
        name: 'with a length past the end',
        bytes: inSpec(Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f)),
        want: 'proto: spec: unexpected EOF',
      },
      {
        name: 'with a text that is none',
        bytes: inSpec(field(3, Buffer.of(0xff))),
        want: 'proto: spec.restartPolicy: a text is not valid UTF-8',
      },
      {
        name: 'with a time out of time',
        bytes: bodyOf('v1', 'Pod', field(1, field(8, field(1, 1n << 60n)))),
        want: `proto: metadata.creationTimestamp: a time of ${2 ** 60} seconds is not between the years 1 and 9999`,
      },
      {
        name: 'with a name that is neither number nor text',
        bytes: inSpec(field(2, field(10, field(1, field(2, field(2, field(1, 7))))))),
        want: 'proto: spec.containers.livenessProbe.httpGet.port: impossible IntOrString.Type',
      },
    ],
    ({ bytes, want }) => {
      const { code, reason, message = '' } = refusal(() => parseObject(bytes, protobufType, 'Pod'))
      assert.deepEqual([code, reason, message.replace(/ \([^(]*\)$/, '')], [400, 'BadRequest', `${wrong}: ${want}`])
    },
  )

  it('or read, whatever bytes come', () => {
    const valid = protobufOf(Pod, busy)
    const read = (bytes: Uint8Array): void => {
      try {
        objectOfProtobuf(bytes)
      } catch (error) {
        const clear = error instanceof WireError || error instanceof DecodeError || (error as Error).constructor === Error
        if (!clear) throw error
      }
    }
    for (let length = 0; length < valid.length; length++) read(valid.subarray(0, length))
    const bytes = fc.uint8Array({ maxLength: 200 })
    fc.assert(fc.property(bytes, (raw) => read(envelope('v1', 'Pod', raw))))
    // a message in very many pieces adds to itself; gone over again with each, it would outlast this test's time
    const piece = field(2, field(14, field(1, '')))
    read(bodyOf('v1', 'Pod', field(2, field(1, Buffer.alloc(piece.length * 200_000, piece)))))
    const edits = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(edits, (changes) => {
        const changed = Buffer.from(valid)
        for (const [at, byte] of changes) changed[at] = byte
        read(changed)
      }),
      { numRuns: 200 },
    )
  })
})

function refusal(call: () => unknown): Status {
  try {
    call()
  } catch (error) {
    if (error instanceof StatusError) return error.status
    throw error
  }
  assert.fail('not refused')
}

/** Any value of a type, some fields left out, as a client may send it. No list or map is empty: protobuf cannot say so. */
function anyOf(typeName: string, type: AnyType, behind?: AnyType): fc.Arbitrary<unknown> {
  const { shape, openapi } = type
  switch (shape.is) {
    case 'list':
      return fc.array(anyOf('', shape.of, behind), { minLength: 1, maxLength: 2 })
    case 'map':
      return fc.dictionary(fc.string({ minLength: 1, maxLength: 4 }), anyOf('', shape.of), {
        minKeys: 1,
        maxKeys: 2,
        noNullPrototype: true,
      })
    case 'any':
      return behind ? anyOf('', behind).map((value) => withoutZeros(behind, value)) : fc.constant({ 'f:spec': {} })
    case 'object': {
      const name = typeof openapi.$ref === 'string' ? openapi.$ref : typeName
      const fields = Object.entries(shape.fields).filter(
        ([field]) => !kinds.some((k) => k.openapiName === name) || !['apiVersion', 'kind'].includes(field),
      )
      const each = fields.map(([field, of]) => [field, anyOf('', of, undeclaredType(name, field))] as const)
      return fc.record(Object.fromEntries(each), { requiredKeys: [], noNullPrototype: true })
    }
    case 'scalar':
      return anyScalar(openapi)
  }
}

/** JSON leaves out the zeros of fields that are no pointers; where any JSON is kept, nobody would drop them later. */
function withoutZeros({ shape }: AnyType, value: unknown): unknown {
  if (shape.is === 'list') return (value as unknown[]).map((item) => withoutZeros(shape.of, item))
  if (shape.is !== 'object') return value
  const kept = Object.entries(value as object).flatMap(([field, its]: [string, unknown]) => {
    const type = shape.fields[field]
    if (!type || (type.presence === 'value' && (its === '' || its === 0 || its === false))) return []
    return [[field, withoutZeros(type, its)]]
  })
  return Object.fromEntries(kept)
}

function anyScalar({ $ref, type, format, enum: choices }: Readonly<Record<string, unknown>>): fc.Arbitrary<unknown> {
  if (Array.isArray(choices)) return fc.constantFrom(...(choices as string[]))
  switch (typeof $ref === 'string' ? $ref.split('.').at(-1) : (format ?? type)) {
    case 'Quantity':
      return fc.constantFrom('0', '1', '100m', '1Gi', '1.5', '2e3')
    case 'IntOrString':
      return fc.oneof(fc.integer(), fc.string())
    case 'Time':
      return fc.constantFrom('2026-01-02T03:04:05Z', '1970-01-01T00:00:00Z', '1969-12-31T23:59:59Z')
    case 'MicroTime':
      return fc.constantFrom('2026-01-02T03:04:05.678000Z', '1970-01-01T00:00:00.000000Z')
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.maxSafeInteger()
    case 'boolean':
      return fc.boolean()
    case 'byte':
      return fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('base64'))
    default:
      return fc.string({ maxLength: 5, unit: 'grapheme' })
  }
}
