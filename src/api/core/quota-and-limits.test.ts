// What a ResourceQuota and a LimitRange may say, what is filled in, and how they are shown.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { fieldErrorText } from '../field-error.ts'
import type { AnyKind, AnyObject } from '../kind.ts'
import { validateCreate, validateUpdate } from '../validate.ts'
import { LimitRange } from './limit-range.ts'
import { ResourceQuota } from './resource-quota.ts'

const decode = (kind: AnyKind, fields: object): AnyObject =>
  kind.decode({ metadata: { name: 'x', namespace: 'ns', creationTimestamp: '2030-01-01T00:00:00Z' }, ...fields }, { unknown: [] })
const faults = (kind: AnyKind, spec: object): string[] => validateCreate(kind, decode(kind, { spec })).map(fieldErrorText)
const row = (kind: AnyKind, fields: object) =>
  kind.columns?.map((column) => `${column.name}=${column.cell(decode(kind, fields), Date.parse('2030-01-01T00:01:00Z'))}`)

const term = (scopeName: string, operator: string, ...values: string[]) => ({
  matchExpressions: [{ scopeName, operator, values }],
})
const selector = 'spec.scopeSelector.matchExpressions'
const names =
  'ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity'

describe('a ResourceQuota', () => {
  cases(
    [
      {
        name: 'limits compute, numbers and objects of any kind',
        spec: {
          hard: { cpu: '1', 'requests.hugepages-2Mi': '4Mi', 'count/widgets.example.com': '3', 'requests.example.com/gpu': '2' },
        },
        want: [],
      },
      {
        name: 'limits no unknown resource, nothing negative, no half Pod',
        spec: { hard: { bananas: '1', memory: '-1', pods: '1500m' } },
        want: [
          'spec.hard[bananas]: Invalid value: "bananas": must be a standard resource for quota',
          'spec.hard[memory]: Invalid value: "-1": must be greater than or equal to 0',
          'spec.hard[pods]: Invalid value: "1500m": must be an integer',
        ],
      },
      {
        name: 'has no scopes that exclude each other',
        spec: { hard: { pods: '1' }, scopes: ['BestEffort', 'NotBestEffort'] },
        want: ['spec.scopes: Invalid value: ["BestEffort","NotBestEffort"]: conflicting scopes'],
      },
      {
        name: 'has scopes that go with its resources',
        spec: { hard: { cpu: '1', secrets: '1' }, scopes: ['BestEffort'] },
        want: ['spec.scopes: Invalid value: ["BestEffort"]: unsupported scope applied to resource'],
      },
      {
        name: 'has scopes that there are',
        spec: { hard: {}, scopes: ['Sunday'] },
        want: ['spec.scopes: Invalid value: ["Sunday"]: unsupported scope'],
      },
      {
        name: 'selects by class',
        spec: { hard: { 'requests.cpu': '1' }, scopeSelector: term('RuntimeClass', 'NotIn', 'a') },
        want: [],
      },
      {
        name: 'names values for In',
        spec: { scopeSelector: term('PriorityClass', 'In') },
        want: [
          `${selector}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
        ],
      },
      {
        name: 'names none for Exists',
        spec: { scopeSelector: term('RuntimeClass', 'Exists', 'a') },
        want: [
          `${selector}.values: Invalid value: ["a"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`,
        ],
      },
      {
        name: 'asks of most scopes only whether they hold',
        spec: { scopeSelector: term('Terminating', 'DoesNotExist') },
        want: [`${selector}.operator: Invalid value: "DoesNotExist": must be 'Exist' when scope is any of ${names}`],
      },
    ],
    ({ spec, want }) => assert.deepEqual(faults(ResourceQuota, spec), want),
  )

  it('keeps its scopes', () => {
    const of = (...scopes: string[]) => decode(ResourceQuota, { spec: { hard: { pods: '1' }, scopes } })
    const change = (next: AnyObject, old: AnyObject) => validateUpdate(ResourceQuota, next, old).map(fieldErrorText)
    assert.deepEqual(change(of('Terminating', 'BestEffort'), of('BestEffort', 'Terminating')), [])
    assert.deepEqual(change(of('Terminating'), of('BestEffort')), [
      'spec.scopes: Invalid value: ["Terminating"]: field is immutable',
    ])
  })

  it('shows what is used of what, limits apart', () => {
    const hard = { pods: '5', 'limits.cpu': '2', 'requests.cpu': '1' }
    assert.deepEqual(row(ResourceQuota, { status: { hard, used: { pods: '2', 'limits.cpu': '500m' } } }), [
      ...['Name=x', 'Request=pods: 2/5, requests.cpu: 0/1', 'Limit=limits.cpu: 500m/2', 'Age=60s'],
    ])
  })
})

describe('a LimitRange', () => {
  it('fills in the defaults of containers from their bounds', () => {
    const item = {
      type: 'Container',
      max: { cpu: '2', memory: '1Gi' },
      min: { cpu: '100m', storage: '1' },
      default: { cpu: '1' },
    }
    const { spec } = decode(LimitRange, { spec: { limits: [item] } }) as unknown as LimitRange
    assert.deepEqual(spec.limits, [
      {
        ...item,
        default: { cpu: '1', memory: '1Gi' },
        defaultRequest: { cpu: '1', memory: '1Gi', storage: '1' },
      },
    ])
  })

  cases(
    [
      {
        name: 'has one item of a type',
        limits: [{ type: 'Pod' }, { type: 'Pod' }],
        want: ['spec.limits[1].type: Duplicate value: "Pod"'],
      },
      {
        name: 'has types that there are',
        limits: [{ type: 'Node' }],
        want: ['spec.limits[0].type: Invalid value: "Node": must be a standard limit type or fully qualified'],
      },
      {
        name: 'has no defaults for Pods',
        limits: [{ type: 'Pod', default: { cpu: '1' } }],
        want: ["spec.limits[0].default: Forbidden: may not be specified when `type` is 'Pod'"],
      },
      {
        name: 'has bounds in order',
        limits: [{ type: 'Container', min: { cpu: '2' }, defaultRequest: { cpu: '3' }, max: { cpu: '1' } }],
        want: [
          'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
          'spec.limits[0].defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than max value 1',
          'spec.limits[0].defaultRequest[cpu]: Invalid value: "3": default request value 3 is greater than default limit value 1',
          'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
        ],
      },
      {
        name: 'has a ratio that can be',
        limits: [{ type: 'Pod', min: { cpu: '1' }, max: { cpu: '2' }, maxLimitRequestRatio: { cpu: '3', memory: '500m' } }],
        want: [
          'spec.limits[0].maxLimitRequestRatio[cpu]: Invalid value: "3": ratio 3 is greater than max/min = 2.000000',
          'spec.limits[0].maxLimitRequestRatio[memory]: Invalid value: "500m": ratio 500m is less than 1',
        ],
      },
      {
        name: 'bounds the storage of claims somehow',
        limits: [{ type: 'PersistentVolumeClaim' }],
        want: [
          'spec.limits[0].limits: Required value: either minimum or maximum storage value is required, but neither was provided',
        ],
      },
    ],
    ({ limits, want }) => assert.deepEqual(faults(LimitRange, { limits }), want),
  )

  it('shows when it was made', () => {
    assert.deepEqual(row(LimitRange, { spec: { limits: [] } }), ['Name=x', 'Created At=2030-01-01T00:00:00Z'])
  })
})
