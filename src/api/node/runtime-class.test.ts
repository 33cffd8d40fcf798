// upstream.md 1.3 and 1.4: every row.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { dnsLabelFault as label } from '../../testing/pod-faults.ts'
import { fieldErrorText } from '../field-error.ts'
import { validateCreate, validateUpdate } from '../validate.ts'
import { RuntimeClass } from './runtime-class.ts'

const classOf = (fields: Record<string, unknown>) =>
  RuntimeClass.decode({ metadata: { name: 'kata' }, handler: 'kata', ...fields }, { unknown: [] })
const texts = (fields: Record<string, unknown>) => validateCreate(RuntimeClass, classOf(fields)).map(fieldErrorText)
const fixed = (podFixed: Record<string, string>) => ({ overhead: { podFixed } })

const wrongHandler = (handler: string) => [`handler: Invalid value: ${JSON.stringify(handler)}: ${label}`]

describe('RuntimeClass', () => {
  cases(
    [
      { name: 'a handler alone is enough', given: {}, want: [] },
      { name: 'a handler needs a value', given: { handler: '' }, want: wrongHandler('') },
      { name: 'a handler has no dot', given: { handler: 'kata.v2' }, want: wrongHandler('kata.v2') },
      { name: 'a handler has no capital', given: { handler: 'Kata' }, want: wrongHandler('Kata') },
      { name: 'a handler has no underscore', given: { handler: 'kata_fc' }, want: wrongHandler('kata_fc') },
      { name: 'a handler has no slash', given: { handler: 'a/b' }, want: wrongHandler('a/b') },
      { name: 'a handler may have 63 characters', given: { handler: 'a'.repeat(63) }, want: [] },
      {
        name: 'a handler has 63 characters at most',
        given: { handler: 'a'.repeat(64) },
        want: [`handler: Invalid value: "${'a'.repeat(64)}": must be no more than 63 characters`],
      },
      {
        name: 'the name is a DNS subdomain',
        given: { metadata: { name: 'a.b-c' } },
        want: [],
      },
      {
        name: 'the name has no capital',
        given: { metadata: { name: 'Kata' } },
        want: [
          "metadata.name: Invalid value: \"Kata\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
        ],
      },
      { name: 'overhead may be given', given: fixed({ cpu: '250m', memory: '120Mi' }), want: [] },
      { name: 'overhead may be zero', given: fixed({ cpu: '0' }), want: [] },
      { name: 'overhead may be empty', given: { overhead: {} }, want: [] },
      {
        name: 'a negative amount is reported at overhead.limits',
        given: fixed({ cpu: '-1' }),
        want: ['overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0'],
      },
      {
        name: 'a resource must be one of containers',
        given: fixed({ pods: '1' }),
        want: ['overhead.limits[pods]: Invalid value: "pods": must be a standard resource for containers'],
      },
      {
        name: 'a bare name must be known',
        given: fixed({ gpu: '1' }),
        want: [
          'overhead.limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
          'overhead.limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
        ],
      },
      { name: 'ephemeral storage may be overhead', given: fixed({ 'ephemeral-storage': '1Gi' }), want: [] },
      { name: 'an extended resource may be overhead', given: fixed({ 'example.com/gpu': '2' }), want: [] },
      {
        name: 'an extended resource is whole',
        given: fixed({ 'example.com/gpu': '500m' }),
        want: ['overhead.limits[example.com/gpu]: Invalid value: "500m": must be an integer'],
      },
      { name: 'huge pages beside memory', given: fixed({ 'hugepages-2Mi': '4Mi', memory: '8Mi' }), want: [] },
      {
        name: 'huge pages come in whole pages',
        given: fixed({ 'hugepages-2Mi': '3Mi', memory: '8Mi' }),
        want: ['overhead.limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi'],
      },
      {
        name: 'huge pages need cpu or memory',
        given: fixed({ 'hugepages-2Mi': '4Mi' }),
        want: ['overhead: Forbidden: HugePages require cpu or memory'],
      },
      {
        name: 'the node selector is labels',
        given: { scheduling: { nodeSelector: { 'a b': 'x' } } },
        want: [
          `scheduling.nodeSelector: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
        ],
      },
      {
        name: 'tolerations are judged as those of Pods',
        given: { scheduling: { tolerations: [{ key: 'a', operator: 'Exists' }, { operator: 'Equal' }] } },
        want: [
          'scheduling.tolerations[1].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ],
      },
    ],
    ({ given, want }) => assert.deepEqual(texts(given), want),
  )

  it('has an immutable handler', () => {
    const errors = validateUpdate(RuntimeClass, classOf({ handler: 'runc' }), classOf({}))
    assert.deepEqual(errors, [
      { reason: 'FieldValueInvalid', field: 'handler', message: 'Invalid value: "runc": field is immutable' },
    ])
  })

  it('may change overhead and scheduling, and is judged as on creation', () => {
    const next = classOf({ ...fixed({ cpu: '1' }), scheduling: { nodeSelector: { a: 'b' } } })
    assert.deepEqual(validateUpdate(RuntimeClass, next, classOf({})), [])
    assert.deepEqual(validateUpdate(RuntimeClass, classOf(fixed({ cpu: '-1' })), classOf({})).map(fieldErrorText), [
      'overhead.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ])
  })

  it('is created by PUT, and refuses one without resourceVersion', () => {
    assert.deepEqual([RuntimeClass.createOnUpdate, RuntimeClass.unconditionalUpdate], [true, false])
  })
})
