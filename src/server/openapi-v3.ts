// GET /openapi/v3/apis/GROUP/VERSION: one document per group and version, which kubectl explain and apply read.
import type { AnyKind } from '../api/kind.ts'
import { kubernetesVersion } from '../api/version.ts'
import { described, type Descriptions } from './descriptions.ts'
import { paths } from './openapi-paths.ts'
import { definitions, dialects, type Json } from './openapi-schema.ts'

export function openapiV3(kinds: readonly AnyKind[], apiVersion: string, texts: Descriptions): Json {
  const here = kinds.filter((kind) => kind.apiVersion === apiVersion)
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: kubernetesVersion },
    paths: paths(here, dialects[3]),
    components: { schemas: described(definitions(here, dialects[3]), texts) },
  }
}
