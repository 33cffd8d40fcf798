// PriorityClass: a name for a Pod's priority.
import { ageColumn, nameColumn } from '../column.ts'
import { kind, type ObjectOf } from '../kind.ts'
import { bool, integer, oneOf, optional, pointer, text } from '../schema.ts'
import { priorityClassErrors, priorityClassUpdateErrors } from './priority-class-rules.ts'

export const PriorityClass = kind({
  ...{ group: 'scheduling.k8s.io', version: 'v1', kind: 'PriorityClass', plural: 'priorityclasses', shortNames: ['pc'] },
  scope: 'cluster',
  openapiName: 'io.k8s.api.scheduling.v1.PriorityClass',
  fields: {
    value: integer(),
    globalDefault: optional(bool()),
    description: optional(text()),
    preemptionPolicy: pointer(oneOf(['Never', 'PreemptLowerPriority'], { default: 'PreemptLowerPriority' })),
  },
  prepareCreate(pc) {
    pc.metadata.generation = 1
  },
  validate: priorityClassErrors,
  validateUpdate: priorityClassUpdateErrors,
  ownColumns: true,
  columns: [
    nameColumn,
    { name: 'Value', type: 'integer', cell: (pc) => pc.value },
    { name: 'Global-Default', cell: (pc) => String(pc.globalDefault ?? false) },
    ageColumn,
    { name: 'PreemptionPolicy', cell: (pc) => pc.preemptionPolicy ?? '' },
  ],
})
export type PriorityClass = ObjectOf<typeof PriorityClass>
