// Descriptions for `kubectl explain`, in our own words.

export const typeText = (name: string): string | undefined => types[name.split('.').at(-1) ?? '']

/** The text of a field: its type's own, or one that holds wherever the name occurs. */
export const fieldText = (typeName: string, field: string): string | undefined =>
  fields[`${typeName.split('.').at(-1)}.${field}`] ?? fields[field]

const types: Record<string, string> = {
  Pod: 'Containers that run together on one node and share network and volumes.',
}

const fields: Record<string, string> = {
  apiVersion: 'The group and version of the schema this object is written in.',
  kind: 'The name of the schema this object is written in.',
  metadata: 'Name, labels and what else every object has.',
}
