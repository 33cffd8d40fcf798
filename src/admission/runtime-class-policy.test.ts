import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import type { AnyKind, AnyObject } from '../api/kind.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { statusOf } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { mapReader, noEffects } from '../testing/map-reader.ts'
import { admitted, type AdmissionRequest, type Plugin } from './chain.ts'
import { runtimeClass } from './runtime-class.ts'
import { runtimeClassPolicies, runtimeClassPolicy } from './runtime-class-policy.ts'

const objectOf = (kind: AnyKind, fields: Record<string, unknown>): AnyObject => kind.decode(fields, { unknown: [] })
const namespaceOf = (policy: Record<string, string> = {}): AnyObject => {
  const annotations = Object.fromEntries(Object.entries(policy).map(([key, value]) => [`polypod.dev/${key}`, value]))
  return objectOf(Namespace, { metadata: { name: 'team', annotations } })
}
const podOf = (spec: Record<string, unknown>, name = 'web'): AnyObject =>
  objectOf(Pod, { metadata: { name, namespace: 'team' }, spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec } })
const classOf = (name: string, fields: Record<string, unknown> = {}) =>
  objectOf(RuntimeClass, { metadata: { name }, handler: name, ...fields })

interface Said {
  /** The class the Pod ends up with. */
  class?: string | undefined
  refused?: string | undefined
  warned: string[]
}

const plugins: readonly Plugin[] = [runtimeClassPolicy, runtimeClassPolicies, runtimeClass]

async function ask(kind: AnyKind, object: AnyObject, present: AnyObject[], more: Partial<AdmissionRequest> = {}) {
  const warned: string[] = []
  const { name, namespace } = object.metadata
  const request: AdmissionRequest = {
    ...{ verb: 'create', kind, namespace, name, object, user: { name: 'admin', groups: [] }, dryRun: false },
    ...{ read: mapReader(present), warn: (text) => void warned.push(text), ...noEffects, ...more },
  }
  const result = await admitted(plugins, request).catch((error: unknown) => error)
  const status = statusOf(result)
  if (!status && result instanceof Error) throw result
  return { object: status ? undefined : (result as Pod), refused: status && `${status.code} ${status.message}`, warned }
}

const listText = 'annotation polypod.dev/allowed-runtime-classes of the namespace allows'
const forbidden = (why: string) => `403 pods "web" is forbidden: pod rejected: ${why}`

describe('RuntimeClassPolicy gives and refuses classes', () => {
  const gvisor = { 'default-runtime-class': 'gvisor' }
  const closed = { 'allowed-runtime-classes': 'gvisor, runc' }
  const open = { 'allowed-runtime-classes': 'gvisor,None' }
  const dry = { 'runtime-class-policy': 'warn' }
  const rows: { name: string; policy: Record<string, string>; named?: string; want: Said }[] = [
    { name: 'nothing where nothing is said', policy: {}, want: { class: undefined, warned: [] } },
    { name: 'the default to a Pod that names none', policy: gvisor, want: { class: 'gvisor', warned: [] } },
    { name: 'nothing to a Pod that named a class', policy: gvisor, named: 'crun', want: { class: 'crun', warned: [] } },
    { name: 'what is on the list, spaces or not', policy: closed, named: 'runc', want: { class: 'runc', warned: [] } },
    {
      name: 'what is not on the list',
      policy: closed,
      named: 'crun',
      want: { refused: forbidden(`RuntimeClass "crun" is not allowed here: ${listText} gvisor, runc`), warned: [] },
    },
    {
      name: 'no class where None is not on the list',
      policy: closed,
      want: { refused: forbidden(`a Pod without a RuntimeClass is not allowed here: ${listText} gvisor, runc`), warned: [] },
    },
    { name: 'no class where None is on the list', policy: open, want: { class: undefined, warned: [] } },
    {
      name: 'the default where None is not on the list',
      policy: { ...closed, ...gvisor },
      want: { class: 'gvisor', warned: [] },
    },
    {
      name: 'a list beside a default, too',
      policy: { ...closed, ...gvisor },
      named: 'crun',
      want: { refused: forbidden(`RuntimeClass "crun" is not allowed here: ${listText} gvisor, runc`), warned: [] },
    },
    {
      name: 'a default that is not there, by its own words',
      policy: { 'default-runtime-class': 'kata' },
      want: {
        refused: forbidden(
          'RuntimeClass "kata", which annotation polypod.dev/default-runtime-class of the namespace gives to Pods that name none, not found',
        ),
        warned: [],
      },
    },
    {
      name: 'an unknown class as ever',
      policy: gvisor,
      named: 'kata',
      want: { refused: forbidden('RuntimeClass "kata" not found'), warned: [] },
    },
    {
      name: 'in dry mode nothing, and says what it would do: the default',
      policy: { ...closed, ...gvisor, ...dry },
      want: {
        class: undefined,
        warned: [
          'RuntimeClassPolicy: would get RuntimeClass "gvisor" (annotation polypod.dev/default-runtime-class of the namespace)',
        ],
      },
    },
    {
      name: 'in dry mode nothing, and says what it would do: the refusal',
      policy: { ...closed, ...dry },
      named: 'crun',
      want: {
        class: 'crun',
        warned: [`RuntimeClassPolicy: would be refused: RuntimeClass "crun" is not allowed here: ${listText} gvisor, runc`],
      },
    },
    {
      name: 'enforces a mode that is none (written before we looked)',
      policy: { ...closed, 'runtime-class-policy': 'Warn' },
      named: 'crun',
      want: { refused: forbidden(`RuntimeClass "crun" is not allowed here: ${listText} gvisor, runc`), warned: [] },
    },
  ]
  cases(
    rows.map((row) => ({ named: undefined, ...row })),
    async ({ policy, named, want }) => {
      const present = [namespaceOf(policy), classOf('gvisor'), classOf('runc'), classOf('crun')]
      for (const dryRun of [false, true]) {
        const { object, refused, warned } = await ask(Pod, podOf({ runtimeClassName: named }), present, { dryRun })
        assert.deepEqual(
          { class: object?.spec.runtimeClassName, refused, warned },
          { class: undefined, refused: undefined, ...want },
        )
      }
    },
  )

  it('the overhead of the default, since the class is chosen before it is merged', async () => {
    const podFixed = { memory: '20Mi' }
    const { object } = await ask(Pod, podOf({}), [namespaceOf(gvisor), classOf('gvisor', { overhead: { podFixed } })])
    assert.deepEqual([object?.spec.runtimeClassName, object?.spec.overhead], ['gvisor', podFixed])
  })

  it('a namespace and a default too young for the cache', async () => {
    const read = mapReader([], [namespaceOf(gvisor), classOf('gvisor')])
    const { object } = await ask(Pod, podOf({}), [], { read })
    assert.equal(object?.spec.runtimeClassName, 'gvisor')
  })

  it('nothing to Pods that are there: updates and deletes pass', async () => {
    const present = [namespaceOf({ ...gvisor, 'allowed-runtime-classes': 'gvisor' })]
    const old = podOf({ runtimeClassName: 'crun' })
    for (const more of [{ verb: 'update', old }, { verb: 'delete' }, { verb: 'create', subresource: 'binding' }] as const)
      assert.deepEqual(await ask(Pod, old, present, more), { object: old, refused: undefined, warned: [] })
  })
})

describe('RuntimeClassPolicy of a Namespace', () => {
  const refusal = (key: string, why: string) =>
    `422 Namespace "team" is invalid: metadata.annotations[polypod.dev/${key}]: ${why}`
  const subdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
  const list = 'must be RuntimeClasses with commas between them; None stands for no class'
  const pods = [podOf({ runtimeClassName: 'gvisor' }, 'good'), podOf({ runtimeClassName: 'crun' }, 'crunner'), podOf({}, 'plain')]
  const rows: { name: string; policy: Record<string, string>; there?: AnyObject[]; refused?: string; warned?: string[] }[] = [
    { name: 'may say nothing', policy: {} },
    { name: 'may say all', policy: { 'default-runtime-class': 'gvisor', 'allowed-runtime-classes': 'gvisor,None' } },
    {
      name: 'must name a default that can be one',
      policy: { 'default-runtime-class': 'None' },
      refused: refusal('default-runtime-class', `Invalid value: "None": must be a RuntimeClass: ${subdomain}`),
    },
    {
      name: 'must not allow an empty list, which nobody could read',
      policy: { 'allowed-runtime-classes': '' },
      refused: refusal('allowed-runtime-classes', `Invalid value: "": ${list}`),
    },
    {
      name: 'must not list what cannot be a class',
      policy: { 'allowed-runtime-classes': 'gvisor;runc' },
      refused: refusal('allowed-runtime-classes', `Invalid value: "gvisor;runc": ${list}`),
    },
    {
      name: 'must name a mode that is one',
      policy: { 'runtime-class-policy': 'audit' },
      refused: refusal('runtime-class-policy', 'Unsupported value: "audit": supported values: "enforce", "warn"'),
    },
    {
      name: 'must not give what it does not allow',
      policy: { 'default-runtime-class': 'gvisor', 'allowed-runtime-classes': 'runc' },
      refused: refusal('default-runtime-class', 'Invalid value: "gvisor": must be one of polypod.dev/allowed-runtime-classes'),
    },
    {
      name: 'is warned of classes that are not there, each once',
      policy: { 'default-runtime-class': 'kata', 'allowed-runtime-classes': 'kata,gvisor,None' },
      warned: ['RuntimeClassPolicy: there is no RuntimeClass "kata" yet: Pods cannot be created with it'],
    },
    {
      name: 'is told of Pods that break its rule and stay',
      there: pods,
      policy: { 'allowed-runtime-classes': 'gvisor' },
      warned: ['RuntimeClassPolicy: Pods that are there stay, and could not be created anew: crunner (crun), plain (None)'],
    },
  ]
  cases(
    rows.map((row) => ({ there: [], refused: undefined, warned: [], ...row })),
    async ({ policy, there, refused, warned }) => {
      const present = [classOf('gvisor'), classOf('runc'), ...there]
      for (const more of [{ verb: 'create' }, { verb: 'update', old: namespaceOf() }] as const) {
        const got = await ask(Namespace, namespaceOf(policy), present, more)
        assert.deepEqual({ refused: got.refused, warned: got.warned }, { refused, warned })
      }
    },
  )

  it('may be written to while it holds a fault that was there before', async () => {
    const old = namespaceOf({ 'runtime-class-policy': 'audit' })
    const next = { ...old, metadata: { ...old.metadata, labels: { a: 'b' } } }
    assert.deepEqual(await ask(Namespace, next, [], { verb: 'update', old }), { object: next, refused: undefined, warned: [] })
  })
})
