// The columns that every kind begins and ends with.
import { since } from './age.ts'
import type { Column } from './kind.ts'
import type { ObjectMeta } from './meta.ts'

type Named = { metadata: ObjectMeta }

export const nameColumn: Column<Named> = { name: 'Name', cell: ({ metadata }) => metadata.name }
export const ageColumn: Column<Named> = { name: 'Age', cell: ({ metadata }, now) => since(metadata.creationTimestamp, now) }
