// The rules of the smaller kinds; Pods and RuntimeClasses have tables of their own.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { Lease } from './coordination/lease.ts'
import { Binding } from './core/binding.ts'
import { ConfigMap } from './core/config-map.ts'
import { Event } from './core/event.ts'
import { Namespace } from './core/namespace.ts'
import { Node } from './core/node.ts'
import { Secret } from './core/secret.ts'
import { Service } from './core/service.ts'
import { fieldErrorText } from './field-error.ts'
import type { AnyKind } from './kind.ts'
import { PriorityClass } from './scheduling/priority-class.ts'
import { validateCreate, validateUpdate } from './validate.ts'

type Json = Record<string, unknown>
const objectOf = (kind: AnyKind, fields: Json) => kind.decode({ metadata: { name: 'x' }, ...fields }, { unknown: [] })
const created = (kind: AnyKind, fields: Json) => validateCreate(kind, objectOf(kind, fields)).map(fieldErrorText)
const updated = (kind: AnyKind, next: Json, old: Json, subresource?: 'status') =>
  validateUpdate(kind, objectOf(kind, next), objectOf(kind, old), subresource).map(fieldErrorText)

const key =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
const frozen = 'Forbidden: field is immutable when `immutable` is set'
const mebibyte = 'x'.repeat(1024 * 1024)
const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

describe('creation', () => {
  const rows: { name: string; kind: AnyKind; given: Json; want: string[] }[] = [
    { name: 'a ConfigMap', kind: ConfigMap, given: { data: { 'a.b': 'c' }, binaryData: { d: 'eA==' } }, want: [] },
    {
      name: 'keys of a ConfigMap are file names',
      kind: ConfigMap,
      given: { data: { 'a/b': '', '..': '' } },
      want: [`data[a/b]: Invalid value: "a/b": ${key}`, `data[..]: Invalid value: "..": must not be '..'`],
    },
    {
      name: 'a key of a ConfigMap is text or bytes',
      kind: ConfigMap,
      given: { data: { a: '' }, binaryData: { a: '' } },
      want: ['data[a]: Invalid value: "a": duplicate of key present in binaryData'],
    },
    { name: 'a ConfigMap of a mebibyte', kind: ConfigMap, given: { data: { a: mebibyte } }, want: [] },
    {
      name: 'a ConfigMap of more',
      kind: ConfigMap,
      given: { data: { a: mebibyte, b: 'x' } },
      want: ['[]: Too long: may not be more than 1048576 bytes'],
    },
    {
      name: 'a Secret of more',
      kind: Secret,
      given: { data: { a: btoa(mebibyte), b: 'eA==' } },
      want: ['data: Too long: may not be more than 1048576 bytes'],
    },
    {
      name: 'a TLS Secret',
      kind: Secret,
      given: { type: 'kubernetes.io/tls' },
      want: ['data[tls.crt]: Required value', 'data[tls.key]: Required value'],
    },
    {
      name: 'a Secret of Docker is JSON',
      kind: Secret,
      given: { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': btoa('{') } },
      want: ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": must be valid JSON'],
    },
    {
      name: 'a Secret with a name and a password has either',
      kind: Secret,
      given: { type: 'kubernetes.io/basic-auth' },
      want: ['data[username]: Required value', 'data[password]: Required value'],
    },
    {
      name: 'a token names its account',
      kind: Secret,
      given: { type: 'kubernetes.io/service-account-token' },
      want: ['metadata.annotations[kubernetes.io/service-account.name]: Required value'],
    },
    {
      name: 'finalizers of a Namespace have a domain',
      kind: Namespace,
      given: { spec: { finalizers: ['kubernetes', 'a/b', 'c'] } },
      want: ['spec.finalizers: Invalid value: "c": name is neither a standard finalizer name nor is it fully qualified'],
    },
    {
      name: 'taints of a Node, reported at metadata',
      kind: Node,
      given: {
        spec: {
          taints: [
            { key: 'a', effect: 'NoSchedule' },
            { key: 'a', effect: 'NoSchedule' },
            { key: 'b', effect: 'Never' },
            { key: 'c', effect: '' },
          ],
        },
      },
      want: [
        'metadata.taints[1]: Duplicate value: {"key":"a","effect":"NoSchedule"}: taints must be unique by key and effect pair',
        'metadata.taints[2].effect: Unsupported value: "Never": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"',
        'metadata.taints[3].effect: Required value',
      ],
    },
    {
      name: 'one range of each family for a Node',
      kind: Node,
      given: { spec: { podCIDRs: ['10.0.0.0/24', '10.0.1.0/24', 'fd00::/64'] } },
      want: [
        'spec.podCIDRs: Invalid value: ["10.0.0.0/24","10.0.1.0/24","fd00::/64"]: may specify no more than one CIDR for each IP family',
      ],
    },
    {
      name: 'a range that is none',
      kind: Node,
      given: { spec: { podCIDR: '10.0.0.0/33' } },
      want: ['spec.podCIDRs[0]: Invalid value: "10.0.0.0/33": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'],
    },
    { name: 'the highest priority of a user', kind: PriorityClass, given: { value: 1_000_000_000 }, want: [] },
    {
      name: 'a higher one',
      kind: PriorityClass,
      given: { value: 1_000_000_001 },
      want: ['value: Forbidden: maximum allowed value of a user defined priority is 1000000000'],
    },
    {
      name: 'a class of the system',
      kind: PriorityClass,
      given: { metadata: { name: 'system-node-critical' }, value: 2_000_001_000 },
      want: [],
    },
    {
      name: 'a class like the system has',
      kind: PriorityClass,
      given: { metadata: { name: 'system-mine' }, value: 1 },
      want: [
        `metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class`,
      ],
    },
    {
      name: 'durations of a Lease',
      kind: Lease,
      given: { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } },
      want: [
        'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
        'spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0',
      ],
    },
    {
      name: 'an Event lies where its object lies',
      kind: Event,
      given: { metadata: { name: 'x', namespace: 'a' }, involvedObject: { namespace: 'b' } },
      want: ['involvedObject.namespace: Invalid value: "b": does not match event.namespace'],
    },
    {
      name: 'an Event of a Node lies in default',
      kind: Event,
      given: { metadata: { name: 'x', namespace: 'default' }, involvedObject: { kind: 'Node' } },
      want: [],
    },
    {
      name: 'a new Event says who, where and what',
      kind: Event,
      given: { metadata: { name: 'x', namespace: 'default' }, eventTime: '2026-01-01T00:00:00Z', reportingComponent: 'a/b' },
      want: ['reportingInstance: Required value', 'action: Required value', 'reason: Required value'],
    },
    { name: 'a Service has ports', kind: Service, given: { spec: {} }, want: ['spec.ports: Required value'] },
    { name: 'a headless Service needs none', kind: Service, given: { spec: { clusterIP: 'None' } }, want: [] },
    {
      name: 'several ports have names',
      kind: Service,
      given: { spec: { ports: [{ port: 1, name: 'a' }, { port: 0 }] } },
      want: [
        'spec.ports[1].name: Required value',
        'spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive',
        'spec.ports[1].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive',
      ],
    },
    {
      name: 'a Binding is to a Node',
      kind: Binding,
      given: { target: { kind: 'Pod' } },
      want: ['target.kind: Unsupported value: "Pod": supported values: "<empty>", "Node"', 'target.name: Required value'],
    },
    {
      name: 'names, labels, finalizers and owners of any object',
      kind: ConfigMap,
      given: {
        metadata: {
          name: 'x',
          labels: { 'a b': 'c' },
          finalizers: ['mine'],
          ownerReferences: [
            { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: '1', controller: true },
            { apiVersion: 'v1', kind: 'Pod', name: 'q', uid: '', controller: false },
          ],
        },
      },
      want: [
        `metadata.labels: Invalid value: "a b": ${qualified}`,
        'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
        'metadata.ownerReferences[1].uid: Invalid value: "": uid must not be empty',
      ],
    },
  ]
  cases(rows, ({ kind, given, want }) => assert.deepEqual(created(kind, given), want))

  it('allows one controller', () => {
    const owner = (name: string) => ({ apiVersion: 'v1', kind: 'Pod', name, uid: name, controller: true })
    const [error] = created(ConfigMap, { metadata: { name: 'x', ownerReferences: [owner('p'), owner('q')] } })
    assert.match(error ?? '', /Only one reference can have Controller set to true. Found "true" in references for p and q$/)
  })
})

describe('updates', () => {
  const rows: { name: string; kind: AnyKind; old: Json; next: Json; want: string[] }[] = [
    {
      name: 'an immutable ConfigMap stays as it is',
      kind: ConfigMap,
      old: { immutable: true, data: { a: 'b' } },
      next: { data: { a: 'c' } },
      want: [`immutable: ${frozen}`, `data: ${frozen}`],
    },
    {
      name: 'an immutable ConfigMap may be labelled',
      kind: ConfigMap,
      old: { immutable: true },
      next: { immutable: true, metadata: { name: 'x', labels: { a: 'b' } } },
      want: [],
    },
    {
      name: 'the type of a Secret stays',
      kind: Secret,
      old: { type: 'a/b' },
      next: { type: 'a/c' },
      want: ['type: Invalid value: "a/c": field is immutable'],
    },
    {
      name: 'a priority stays',
      kind: PriorityClass,
      old: { value: 1 },
      next: { value: 2, preemptionPolicy: 'Never' },
      want: [
        'value: Forbidden: may not be changed in an update.',
        'preemptionPolicy: Invalid value: "Never": field is immutable',
      ],
    },
    {
      name: 'the range of a Node stays',
      kind: Node,
      old: { spec: { podCIDR: '10.0.0.0/24', providerID: 'a' } },
      next: { spec: { podCIDR: '10.0.1.0/24' } },
      want: [
        'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
        'spec.providerID: Forbidden: node updates may not change providerID except from "" to valid',
      ],
    },
    { name: 'a Node gets its range', kind: Node, old: {}, next: { spec: { podCIDR: '10.0.1.0/24' } }, want: [] },
    {
      name: 'the address of a Service stays',
      kind: Service,
      old: { spec: { clusterIP: '10.0.0.1', ports: [{ port: 1 }] } },
      next: { spec: { clusterIP: '10.0.0.2', ports: [{ port: 1 }] } },
      want: ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'],
    },
    {
      name: 'names stay, and nothing joins the finalizers of what goes away',
      kind: ConfigMap,
      old: { metadata: { name: 'x', uid: '1', deletionTimestamp: '2026-01-01T00:00:00Z' } },
      next: { metadata: { name: 'x', uid: '2', deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['a/b'] } },
      want: [
        'metadata.uid: Invalid value: "2": field is immutable',
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/b"}',
      ],
    },
  ]
  cases(rows, ({ kind, old, next, want }) => assert.deepEqual(updated(kind, next, old), want))

  it('keeps the phase of a Namespace in step with its deletion', () => {
    const want = ['status.Phase: Invalid value: "Terminating": may only be \'Active\' if `deletionTimestamp` is empty']
    assert.deepEqual(updated(Namespace, { status: { phase: 'Terminating' } }, {}, 'status'), want)
  })
})
