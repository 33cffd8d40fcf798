import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { bodyKinds, kinds } from '../kinds.ts'
import { type AnyType, type Fields, namedTypes } from '../schema.ts'
import { deleteOptions } from './delete-options.ts'
import { numbersByGroup, numbersOf } from './numbers.ts'
import { undeclaredType } from './undeclared-types.ts'

const deleteOptionsName = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions'
// measurements and what is ours alone are served as JSON alone
const encoded = [...namedTypes].filter(([name]) => !/^(io\.k8s\.metrics|dev\.polypod)\./.test(name))
const types = new Map<string, AnyType>([...encoded, [deleteOptionsName, deleteOptions]])
const kindNames = new Set([...kinds, ...bodyKinds].map(({ openapiName }) => openapiName))

/** All but the two that stand in the envelope. */
const fieldsOf = (name: string): [string, AnyType][] => {
  const shape = types.get(name)?.shape
  const fields: Fields = shape?.is === 'object' ? shape.fields : {}
  return Object.entries(fields).filter(([field]) => !kindNames.has(name) || (field !== 'apiVersion' && field !== 'kind'))
}

const itemOf = (type: AnyType): AnyType => (type.shape.is === 'list' || type.shape.is === 'map' ? itemOf(type.shape.of) : type)

describe('protobuf field numbers', () => {
  it('cover every field of every named type', () => {
    const missing: string[] = []
    for (const name of types.keys())
      for (const [field] of fieldsOf(name)) if (numbersOf(name)?.[field] === undefined) missing.push(`${name}.${field}`)
    assert.deepEqual(missing, [])
    assert.ok(types.size > 100)
  })

  it('name no field that is not declared', () => {
    const unknown: string[] = []
    for (const [group, tables] of Object.entries(numbersByGroup))
      for (const [type, numbers] of Object.entries(tables)) {
        const declared = new Set(fieldsOf(`${group}.${type}`).map(([field]) => field))
        for (const field of Object.keys(numbers)) if (!declared.has(field)) unknown.push(`${group}.${type}.${field}`)
      }
    assert.deepEqual(unknown, [])
  })

  it('are unique within a type, and an inline message has a number of its own', () => {
    const twice: string[] = []
    for (const [group, tables] of Object.entries(numbersByGroup))
      for (const [type, numbers] of Object.entries(tables)) {
        const all = Object.values(numbers)
        const outer = all.filter((number) => typeof number === 'number')
        const inline = all.filter((number) => typeof number !== 'number')
        const distinct = new Set([...outer, ...new Set(inline.map(([first]) => first))].map(String))
        const wanted = outer.length + new Set(inline.map(([first]) => first)).size
        if (distinct.size !== wanted || new Set(inline.map(String)).size !== inline.length) twice.push(`${group}.${type}`)
      }
    assert.deepEqual(twice, [])
  })

  it('are found by name: every object inside another has one', () => {
    const nameless: string[] = []
    for (const name of types.keys())
      for (const [field, type] of fieldsOf(name)) {
        const item = itemOf(type)
        if (item.shape.is === 'object' && typeof item.openapi.$ref !== 'string') nameless.push(`${name}.${field}`)
      }
    assert.deepEqual(nameless, [])
  })

  it('are known behind every field of any JSON', () => {
    const opaque: string[] = []
    for (const name of types.keys())
      for (const [field, type] of fieldsOf(name)) {
        const behind = undeclaredType(name, field)
        if (itemOf(type).shape.is === 'any' ? behind?.shape.is !== 'object' : behind !== undefined)
          opaque.push(`${name}.${field}`)
      }
    // FieldsV1 is JSON in protobuf too
    assert.deepEqual(opaque, ['io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry.fieldsV1'])
  })
})
