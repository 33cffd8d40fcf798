import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { describe, it } from 'vitest'
import { kinds } from '../api/kinds.ts'
import { cases } from '../testing/cases.ts'
import type { Json } from './openapi-schema.ts'
import { openapiV2 } from './openapi-v2.ts'
import { openapiV3 } from './openapi-v3.ts'

const v2 = openapiV2(kinds, {})
const versions = [...new Set(kinds.map(({ apiVersion }) => apiVersion))]
const v3 = Object.fromEntries(versions.map((version) => [version, openapiV3(kinds, version, {})]))
const schemasOf = (document: Json = {}) => (document.components as { schemas: Record<string, Json> }).schemas
const pod = 'io.k8s.api.core.v1.Pod'

/** Every $ref below `value`. */
function refs(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, its]) => (key === '$ref' ? [String(its)] : refs(its)))
}

describe('OpenAPI documents', () => {
  it('define everything they point at', () => {
    const missing2 = refs(v2).filter((ref) => !v2.definitions[ref.replace('#/definitions/', '')])
    const missing3 = versions.flatMap((version) =>
      refs(v3[version]).filter((ref) => !schemasOf(v3[version])[ref.replace('#/components/schemas/', '')]),
    )
    assert.deepEqual([missing2, missing3], [[], []])
  })

  it('require what the models of Kubernetes 1.32 require', () => {
    const models = join(dirname(createRequire(import.meta.url).resolve('@kubernetes/client-node')), 'gen/models')
    let compared = 0
    for (const [name, schema] of Object.entries(v2.definitions)) {
      const short = name.split('.').at(-1) ?? ''
      const file = [`V1${short}`, `CoreV1${short}`].map((model) => join(models, `${model}.d.ts`)).find(existsSync)
      if (!file) continue
      compared++
      const wanted = [...readFileSync(file, 'utf8').matchAll(/^ {4}'(\w+)': /gm)].map(([, field]) => field)
      assert.deepEqual(new Set((schema.required as string[] | undefined) ?? []), new Set(wanted), name)
    }
    assert.ok(compared > 80, `compared ${compared}`)
  })

  it('say which kind a schema is, so that kubectl explain finds it', () => {
    for (const { apiVersion, openapiName, group, version, kind } of kinds) {
      const want = [{ group, kind, version }]
      assert.deepEqual(v2.definitions[openapiName]?.['x-kubernetes-group-version-kind'], want)
      assert.deepEqual(schemasOf(v3[apiVersion])[openapiName]?.['x-kubernetes-group-version-kind'], want)
    }
  })

  it('describe every kind and every field of RuntimeClass', () => {
    assert.deepEqual(
      kinds.filter(({ openapiName }) => !v2.definitions[openapiName]?.description).map(({ kind }) => kind),
      [],
    )
    const { properties } = v2.definitions['io.k8s.api.node.v1.RuntimeClass'] as { properties: Record<string, Json> }
    assert.deepEqual(
      Object.entries(properties).filter(([, field]) => typeof field.description !== 'string'),
      [],
    )
  })
})

describe('what kubectl decides by', () => {
  interface Operation {
    parameters: { name: string }[]
    'x-kubernetes-group-version-kind': Json
    'x-kubernetes-action': string
  }
  const patches = (document: { paths: Record<string, Json> }) =>
    Object.entries(document.paths).flatMap(([path, item]) => ('patch' in item ? [[path, item.patch as Operation] as const] : []))

  it('is whether a PATCH knows dryRun and fieldValidation', () => {
    for (const document of [v2, ...Object.values(v3)] as { paths: Record<string, Json> }[]) {
      const found = patches(document)
      assert.ok(found.length > 0)
      for (const [path, { parameters, ...operation }] of found) {
        const names = parameters.map(({ name }) => name)
        assert.ok(names.includes('dryRun') && names.includes('fieldValidation'), path)
        assert.equal(operation['x-kubernetes-action'], 'patch')
      }
    }
    const [, ofPods] = patches(v2).find(([path]) => path === '/api/v1/namespaces/{namespace}/pods/{name}') ?? []
    assert.deepEqual(ofPods?.['x-kubernetes-group-version-kind'], { group: '', kind: 'Pod', version: 'v1' })
  })

  const spec = (name: string, field: string) => {
    const { properties } = v2.definitions[name] as { properties: Record<string, Json> }
    return properties[field] ?? {}
  }
  const merge = 'x-kubernetes-patch-strategy'
  cases(
    [
      { name: 'containers merge by name', schema: spec(`${pod}Spec`, 'containers'), want: ['merge', 'name', ['name'], 'map'] },
      {
        name: 'volumes keep only what is given',
        schema: spec(`${pod}Spec`, 'volumes'),
        want: ['merge,retainKeys', 'name', ['name'], 'map'],
      },
      {
        name: 'ports have two keys, of which a patch uses the first',
        schema: spec('io.k8s.api.core.v1.Container', 'ports'),
        want: ['merge', 'containerPort', ['containerPort', 'protocol'], 'map'],
      },
      {
        name: 'finalizers merge as a set',
        schema: spec('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta', 'finalizers'),
        want: ['merge', undefined, undefined, 'set'],
      },
      {
        name: 'tolerations are replaced',
        schema: spec(`${pod}Spec`, 'tolerations'),
        want: [undefined, undefined, undefined, 'atomic'],
      },
    ],
    ({ schema, want }) =>
      assert.deepEqual(
        [
          schema[merge],
          schema['x-kubernetes-patch-merge-key'],
          schema['x-kubernetes-list-map-keys'],
          schema['x-kubernetes-list-type'],
        ],
        want,
      ),
  )
})
