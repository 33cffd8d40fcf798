// Server-side printing: objects as the rows of a meta.k8s.io Table, which `kubectl get` shows.
import { humanDuration } from '../api/human-duration.ts'
import type { AnyKind, AnyObject, Column } from '../api/kind.ts'
import type { ObjectMeta } from '../api/meta.ts'

export interface ColumnDefinition {
  name: string
  type: string
  format: string
  description: string
  priority: number
}

export interface TableRow {
  cells: (string | number)[]
  object?: unknown
}

/** What goes along with each row: kubectl's default is the metadata. */
export type IncludeObject = 'None' | 'Metadata' | 'Object'

const nameColumn: Column<AnyObject> = { name: 'Name', cell: ({ metadata }) => metadata.name }
const ageColumn: Column<AnyObject> = { name: 'Age', cell: ({ metadata }, now) => ageOf(metadata, now) }

/** `<unknown>` for an object that has no creation time yet, as upstream. */
export function ageOf({ creationTimestamp }: Pick<ObjectMeta, 'creationTimestamp'>, now: number): string {
  return creationTimestamp === undefined ? '<unknown>' : humanDuration(now - Date.parse(creationTimestamp))
}

/** Narrow columns first in the order of the kind: Name, its own, Age, and its wide ones last. */
function columnsOf(kind: AnyKind): readonly Column<AnyObject>[] {
  const own = (kind.columns ?? []) as readonly Column<AnyObject>[]
  if (kind.ownColumns) return own
  const wide = (column: Column<AnyObject>) => column.wide === true
  return [nameColumn, ...own.filter((c) => !wide(c)), ageColumn, ...own.filter(wide)]
}

export function columnDefinitions(kind: AnyKind): ColumnDefinition[] {
  return columnsOf(kind).map(({ name, type, wide }) => ({
    name,
    type: type === 'date' ? 'string' : (type ?? 'string'),
    format: name === 'Name' ? 'name' : '',
    description: descriptions[name] ?? `${name} of the ${kind.kind}.`,
    priority: wide ? 1 : 0,
  }))
}

const descriptions: Record<string, string> = {
  Name: 'Name of the object, unique in its namespace or, for cluster-scoped kinds, in the cluster.',
  Age: 'Time since the object was created.',
}

/** `now` in milliseconds. */
export function tableRow(kind: AnyKind, object: AnyObject, now: number): TableRow['cells'] {
  return columnsOf(kind).map((column) => {
    const cell = column.cell(object, now)
    return column.type === 'date' ? dateCell(cell, now) : cell
  })
}

const dateCell = (cell: string | number, now: number): string =>
  cell === '' ? '<unknown>' : humanDuration(now - (typeof cell === 'number' ? cell : Date.parse(cell)))

/** Metadata alone, in the shape of PartialObjectMetadata. */
export const partialMetadata = (object: AnyObject, version: string): Record<string, unknown> => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
})
