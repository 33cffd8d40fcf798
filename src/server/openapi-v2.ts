// GET /openapi/v2: everything in one Swagger document.
import type { AnyKind } from '../api/kind.ts'
import { kubernetesVersion } from '../api/version.ts'
import { described, type Descriptions } from './descriptions.ts'
import { paths } from './openapi-paths.ts'
import { definitions, dialects, type Json } from './openapi-schema.ts'

export interface SwaggerDocument {
  swagger: '2.0'
  info: { title: string; version: string }
  paths: Record<string, Json>
  definitions: Record<string, Json>
}

export const openapiV2 = (kinds: readonly AnyKind[], texts: Descriptions): SwaggerDocument => ({
  swagger: '2.0',
  info: { title: 'Kubernetes', version: kubernetesVersion },
  paths: paths(kinds, dialects[2]),
  definitions: described(definitions(kinds, dialects[2]), texts),
})
