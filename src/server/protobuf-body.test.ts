import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { parseProtobuf } from './protobuf-body.ts'

// what `kubectl create namespace default` of 1.32 sends
const namespace = Buffer.from(
  '6b3873000a0f0a02763112094e616d657370616365121f0a170a0764656661756c7412001a0022002a003200380042001200' + '1a020a001a002200',
  'hex',
)

const varint = (value: bigint): number[] => {
  const rest = BigInt.asUintN(64, value)
  return rest < 128n ? [Number(rest)] : [Number(rest & 127n) + 128, ...varint(rest >> 7n)]
}
const field = (number: number, value: string | Uint8Array | bigint): Buffer => {
  if (typeof value === 'bigint') return Buffer.from([...varint(BigInt(number * 8)), ...varint(value)])
  const bytes = Buffer.from(value)
  return Buffer.from([...varint(BigInt(number * 8 + 2)), ...varint(BigInt(bytes.length)), ...bytes])
}
const sent = (kind: string, apiVersion: string, ...fields: Buffer[]): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])),
    field(2, Buffer.concat(fields)),
  ])
const entry = (key: string, value: string | Uint8Array) => Buffer.concat([field(1, key), field(2, value)])
const named = (name: string) => field(1, field(1, name))

describe('protobuf bodies', () => {
  it('are read as kubectl sends them, empty texts and all', () => {
    const metadata = { name: 'default', generateName: '', namespace: '', uid: '', resourceVersion: '', generation: 0 }
    assert.deepEqual(parseProtobuf(namespace), {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { ...metadata, creationTimestamp: null },
      spec: {},
    })
  })

  cases(
    [
      {
        name: 'maps of texts and of bytes',
        bytes: sent(
          ...(['ConfigMap', 'v1', named('a'), field(2, entry('x', '1')), field(2, entry('y', ''))] as const),
          field(3, entry('b', Uint8Array.of(0, 255))),
        ),
        want: {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { name: 'a' },
          data: { x: '1', y: '' },
          binaryData: { b: 'AP8=' },
        },
      },
      {
        name: 'numbers below zero',
        bytes: sent('PriorityClass', 'scheduling.k8s.io/v1', named('low'), field(2, -100n), field(3, 1n)),
        want: {
          apiVersion: 'scheduling.k8s.io/v1',
          kind: 'PriorityClass',
          metadata: { name: 'low' },
          value: -100,
          globalDefault: true,
        },
      },
      {
        name: 'ports by number and by name',
        bytes: sent(
          ...(['Service', 'v1', named('web')] as const),
          field(
            2,
            Buffer.concat([
              field(1, Buffer.concat([field(3, 80n), field(4, field(2, 8080n))])),
              field(1, Buffer.concat([field(3, 81n), field(4, Buffer.concat([field(1, 1n), field(3, 'http')]))])),
            ]),
          ),
        ),
        want: {
          ...{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' } },
          spec: {
            ports: [
              { port: 80, targetPort: 8080 },
              { port: 81, targetPort: 'http' },
            ],
          },
        },
      },
      {
        name: 'times, and fields nobody knows',
        bytes: sent('Namespace', 'v1', field(1, Buffer.concat([field(8, field(1, 1_700_000_000n)), field(99, 'x')]))),
        want: { apiVersion: 'v1', kind: 'Namespace', metadata: { creationTimestamp: '2023-11-14T22:13:20Z' } },
      },
      {
        name: 'how to delete',
        bytes: sent('DeleteOptions', 'v1', field(1, 0n), field(2, field(1, 'u')), field(5, 'All')),
        want: { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid: 'u' }, dryRun: ['All'] },
      },
      { name: 'no kind but these', bytes: sent('Pod', 'v1', named('web')), want: undefined },
      { name: 'no kind that only looks like one', bytes: sent('constructor', 'v1'), want: undefined },
    ],
    ({ bytes, want }) => assert.deepEqual(parseProtobuf(bytes), want),
  )

  it('are refused when they make no sense, at whatever byte they break off', () => {
    assert.throws(() => parseProtobuf(Buffer.from('{"kind":"Namespace"}')), /does not appear to be a protobuf message/)
    assert.throws(() => parseProtobuf(namespace.subarray(0, namespace.length - 1)), /illegal wire data/)
    for (let length = 0; length < namespace.length; length++) {
      try {
        parseProtobuf(namespace.subarray(0, length))
      } catch (error) {
        assert.match((error as Error).message, /proto|6b3873/, `at ${length}`)
      }
    }
    const flood = Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(20, 0xff)])
    assert.throws(() => parseProtobuf(flood), /illegal wire data/)
  })
})
