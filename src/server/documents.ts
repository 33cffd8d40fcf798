// The documents that are the same for everybody: discovery and OpenAPI, each made when it is first asked for.
import { createHash } from 'node:crypto'
import type { AnyKind } from '../api/kind.ts'
import { aggregated, apiGroup, apiGroupList, apiResourceList, type AggregatedVersion, type SubresourcesOf } from './discovery.ts'
import { builtDescriptions, type Descriptions } from './descriptions.ts'
import { openapiV2Bytes } from './openapi-proto.ts'
import { openapiV2 } from './openapi-v2.ts'
import { openapiV3 } from './openapi-v3.ts'
import { jsonBytes } from './respond.ts'
import { subresourcesOf } from './routes.ts'

export interface Document {
  bytes: Buffer
  /** Of the bytes; upper-case hexadecimal. */
  hash: string
}

export interface Documents {
  groups: Lazy
  /** By group; undefined for an unknown one. */
  group(name: string): Document | undefined
  /** By `v1` or `node.k8s.io/v1`. */
  resources(apiVersion: string): Document | undefined
  aggregated(root: 'api' | 'apis', version: AggregatedVersion): Document
  openapiV2Json: Lazy
  openapiV2Protobuf: Lazy
  openapiV3Index: Lazy
  /** By `api/v1` or `apis/node.k8s.io/v1`. */
  openapiV3(path: string): Document | undefined
}

type Lazy = () => Document

const facts: SubresourcesOf = (kind) =>
  subresourcesOf(kind).map(({ subresource, kind: its, version, routes }) => ({
    subresource,
    version,
    kind: its,
    verbs: [...new Set(routes.flatMap(({ verbs }) => verbs))].sort(),
  }))

/** `descriptions`: asked once, when OpenAPI is first asked for; default those that were built beside this code. */
export function makeDocuments(kinds: readonly AnyKind[], descriptions: () => Descriptions = builtDescriptions): Documents {
  const made = new Map<string, Document | undefined>()
  const once = (key: string, make: () => Buffer | undefined): Document | undefined => {
    if (!made.has(key)) made.set(key, hashed(make()))
    return made.get(key)
  }
  const json = (key: string, make: () => object | undefined) =>
    once(key, () => {
      const value = make()
      return value === undefined ? undefined : jsonBytes(value)
    })
  let read: Descriptions | undefined
  const texts = () => (read ??= descriptions())
  const sure = (document: Document | undefined): Document => document ?? { bytes: Buffer.alloc(0), hash: '' }
  const served = new Map(kinds.map((k) => [k.group === '' ? `api/${k.version}` : `apis/${k.apiVersion}`, k.apiVersion]))
  const v3 = (path: string) => {
    const apiVersion = served.get(path)
    return apiVersion === undefined ? undefined : json(`v3 ${path}`, () => openapiV3(kinds, apiVersion, texts()))
  }
  return {
    groups: () => sure(json('groups', () => apiGroupList(kinds))),
    group: (name) => json(`group ${name}`, () => apiGroup(kinds, name)),
    resources: (apiVersion) => json(`resources ${apiVersion}`, () => apiResourceList(kinds, apiVersion, facts)),
    aggregated: (root, version) => sure(json(`${version} ${root}`, () => aggregated(kinds, root, version, facts))),
    openapiV2Json: () => sure(json('v2 json', () => openapiV2(kinds, texts()))),
    openapiV2Protobuf: () => sure(once('v2 protobuf', () => openapiV2Bytes(openapiV2(kinds, texts())))),
    openapiV3Index: () =>
      sure(
        json('v3', () => {
          const url = (path: string) => ({ serverRelativeURL: `/openapi/v3/${path}?hash=${v3(path)?.hash ?? ''}` })
          return { paths: Object.fromEntries([...served.keys()].map((path) => [path, url(path)])) }
        }),
      ),
    openapiV3: v3,
  }
}

function hashed(bytes: Buffer | undefined): Document | undefined {
  if (!bytes) return undefined
  return { bytes, hash: createHash('sha256').update(bytes).digest('hex').toUpperCase() }
}
