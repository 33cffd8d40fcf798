// What a Namespace may say.
import { type FieldError, invalid } from '../field-error.ts'
import { finalizerErrors } from '../meta.ts'

interface NamespaceShape {
  metadata: { deletionTimestamp?: string | undefined }
  spec: { finalizers?: string[] | undefined }
  status: { phase?: string | undefined }
}

// k8s: every faulty finalizer is reported at the list, without an index
export const namespaceErrors = ({ spec }: NamespaceShape): FieldError[] =>
  (spec.finalizers ?? []).flatMap((finalizer) => finalizerErrors(finalizer, 'spec.finalizers'))

export function namespaceStatusErrors({ metadata, status: { phase = '' } }: NamespaceShape): FieldError[] {
  const [wanted, word] = metadata.deletionTimestamp === undefined ? ['Active', 'empty'] : ['Terminating', 'not empty']
  if (phase === wanted) return []
  return [invalid('status.Phase', phase, `may only be '${wanted}' if \`deletionTimestamp\` is ${word}`)]
}
