// Strategic merge patch: a merge patch that knows, from the schema, which lists are merged and by what key.
import { type AnyType, isRecord } from '../api/schema.ts'
import { badRequest } from '../api/status.ts'
import { sameJson } from './stored.ts'

type Json = Record<string, unknown>

const orderPrefix = '$setElementOrder/'
const removePrefix = '$deleteFromPrimitiveList/'

/** The target with the patch merged in, guided by `type`. Changes nothing in place. Throws a 400 for a malformed patch. */
export function strategicMergePatch(target: unknown, patch: Json, type: AnyType | undefined): unknown {
  return mergedObject(isRecord(target) ? target : {}, patch, type)
}

function mergedObject(target: Json, patch: Json, type: AnyType | undefined): Json {
  const directive = patch['$patch']
  if (directive === 'delete') return {}
  if (directive === 'replace') return mergedObject({}, without(patch, '$patch'), type)
  if (directive !== undefined && directive !== 'merge') throw badRequest(`unknown patch type found: ${JSON.stringify(directive)}`)
  // a Map and fromEntries: a key named __proto__ stays a key
  const merged = new Map(Object.entries(retained(target, patch)))
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$patch' || key === '$retainKeys' || key.startsWith(orderPrefix)) continue
    if (key.startsWith(removePrefix)) removeValues(merged, key.slice(removePrefix.length), value)
    else if (value === null) merged.delete(key)
    else merged.set(key, mergedValue(merged.get(key), value, fieldType(type, key)))
  }
  for (const [key, order] of Object.entries(patch))
    if (key.startsWith(orderPrefix)) reorder(merged, target, { key: key.slice(orderPrefix.length), order, type })
  return Object.fromEntries(merged)
}

const without = (object: Json, key: string): Json => Object.fromEntries(Object.entries(object).filter(([k]) => k !== key))

/** k8s: `$retainKeys` drops everything else the target has, and must name what the patch sets. */
function retained(target: Json, patch: Json): Json {
  const keep = patch['$retainKeys']
  if (keep === undefined) return target
  if (!Array.isArray(keep)) throw badRequest('invalid patch format of retainKeys')
  for (const [key, value] of Object.entries(patch))
    if (!key.startsWith('$') && value !== null && !keep.includes(key))
      throw badRequest('patch failed: the patch sets a key that $retainKeys does not name')
  return Object.fromEntries(Object.entries(target).filter(([key]) => keep.includes(key)))
}

function removeValues(merged: Map<string, unknown>, key: string, values: unknown): void {
  if (!Array.isArray(values)) throw badRequest('invalid patch format of primitive list')
  const there = merged.get(key)
  if (Array.isArray(there))
    merged.set(
      key,
      there.filter((value) => !values.includes(value)),
    )
}

function fieldType(type: AnyType | undefined, key: string): AnyType | undefined {
  if (type?.shape.is === 'map') return type.shape.of
  if (type?.shape.is !== 'object') return undefined
  return Object.hasOwn(type.shape.fields, key) ? type.shape.fields[key] : undefined
}

function mergedValue(target: unknown, patch: unknown, type: AnyType | undefined): unknown {
  if (isRecord(patch)) return mergedObject(isRecord(target) ? target : {}, patch, type)
  if (!Array.isArray(patch)) return patch
  const there: unknown[] = Array.isArray(target) ? target : []
  if (type?.shape.is !== 'list' || type.shape.merge === undefined) return patch
  const { merge, of } = type.shape
  if (merge === 'set') return [...there, ...patch.filter((value, i) => !there.includes(value) && patch.indexOf(value) === i)]
  return mergedList(there, patch, merge.keys[0], of)
}

function mergedList(target: unknown[], patch: unknown[], key: string, of: AnyType | undefined): unknown[] {
  const items = patch.map((item) => {
    if (!isRecord(item)) throw badRequest('invalid patch format: a list merged by key holds objects only')
    return item
  })
  const replacing = items.some((item) => item['$patch'] === 'replace')
  let merged = replacing ? [] : [...target]
  for (const item of items) {
    const { $patch: directive } = item
    if (directive === 'replace') continue
    const value = item[key]
    if (value === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`)
    const isIt = (other: unknown) => isRecord(other) && sameJson(other[key], value)
    if (directive === 'delete') {
      merged = merged.filter((other) => !isIt(other))
      continue
    }
    const at = merged.findIndex(isIt)
    const there = merged[at]
    const next = mergedObject(isRecord(there) ? there : {}, item, of)
    if (at === -1) merged.push(next)
    else merged[at] = next
  }
  return merged
}

/**
 * Puts a merged list into the asked order. k8s: items the order does not name stay where they were among those it does,
 * as the target had them; before all that the target did not have.
 */
function reorder(
  merged: Map<string, unknown>,
  target: Json,
  { key, order, type }: { key: string; order: unknown; type: AnyType | undefined },
): void {
  const list = merged.get(key)
  if (!Array.isArray(order)) throw badRequest('invalid patch format of setElementOrder list')
  if (!Array.isArray(list)) return
  const shape = fieldType(type, key)?.shape
  const merge = shape?.is === 'list' ? shape.merge : undefined
  if (merge === undefined) return
  const idOf = (item: unknown): unknown => (merge !== 'set' && isRecord(item) ? item[merge.keys[0]] : item)
  const position = (of: unknown, items: readonly unknown[]) => items.findIndex((item) => sameJson(idOf(item), idOf(of)))
  const before = Array.isArray(target[key]) ? (target[key] as unknown[]) : []
  const named = list.filter((item) => position(item, order) >= 0).sort((x, y) => position(x, order) - position(y, order))
  const others = list.filter((item) => position(item, order) < 0)
  const ordered: unknown[] = []
  while (named.length > 0 && others.length > 0) {
    const [at, other] = [position(named[0], before), position(others[0], before)]
    ordered.push(at >= 0 && other >= 0 && at < other ? named.shift() : others.shift())
  }
  merged.set(key, [...ordered, ...named, ...others])
}
