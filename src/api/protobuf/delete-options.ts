// DeleteOptions, as the body of a DELETE.
import { bool, integer, listOf, object, optional, pointer, text } from '../schema.ts'

const preconditions = object(
  { uid: pointer(text()), resourceVersion: pointer(text()) },
  { name: 'io.k8s.apimachinery.pkg.apis.meta.v1.Preconditions' },
)

// nameless: the OpenAPI documents describe it in their own way
export const deleteOptions = object({
  gracePeriodSeconds: pointer(integer('int64')),
  preconditions: pointer(preconditions),
  orphanDependents: pointer(bool()),
  propagationPolicy: pointer(text()),
  dryRun: optional(listOf(text())),
  ignoreStoreReadErrorWithClusterBreakingPotential: pointer(bool()),
})
