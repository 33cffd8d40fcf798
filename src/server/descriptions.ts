// Upstream's texts for `kubectl explain`, a product of the build: scripts/descriptions.mjs joins them from a development dependency.
// Without them (from source) the documents keep our own words.
import { readFileSync } from 'node:fs'
import { isRecord } from '../api/schema.ts'
import type { Json } from './openapi-schema.ts'

/** By the type's OpenAPI name: its own text under '', and that of each field. */
export type Descriptions = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The code may be bundled into dist itself, or into a chunk below it. */
const places = ['./descriptions.json', '../descriptions.json']

/** Reads the file that was built beside this code; empty when there is none. */
export function builtDescriptions(): Descriptions {
  for (const place of places) {
    try {
      return JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8')) as Descriptions
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return {}
}

/** The schemas of a document, with these texts in the place of ours. Pure. */
export function described(schemas: Readonly<Record<string, Json>>, descriptions: Descriptions): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const texts = descriptions[name]
      return [name, texts === undefined ? schema : describedType(schema, texts)]
    }),
  )
}

function describedType(schema: Json, texts: Readonly<Record<string, string>>): Json {
  const own = texts[''] === undefined ? {} : { description: texts[''] }
  const { properties } = schema
  if (!isRecord(properties)) return { ...schema, ...own }
  const fields = Object.entries(properties).map(([field, its]) => {
    const description = texts[field]
    return [field, description === undefined || !isRecord(its) ? its : { ...its, description }]
  })
  return { ...schema, ...own, properties: Object.fromEntries(fields) as Json }
}
