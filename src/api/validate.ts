// The one entry the server asks whether an object may be stored: metadata, declared values, then the kind's own rules.
import { type FieldError, fieldErrorText } from './field-error.ts'
import type { AnyKind, AnyObject } from './kind.ts'
import { metaErrors, metaUpdateErrors } from './meta.ts'

/** Everything wrong with a decoded object that is to be created (names generated, defaults and prepareCreate applied). */
export function validateCreate(kind: AnyKind, object: AnyObject): FieldError[] {
  return once([
    ...metaErrors(object.metadata, kind.checkName),
    ...valueErrors(kind, object),
    ...(kind.validateCreate?.(object) ?? []),
  ])
}

/**
 * Everything that forbids `next` to replace `old` (both decoded, prepareUpdate applied).
 * `subresource` 'status': the rules of the kind's status alone, for the server has kept the rest as it was.
 */
export function validateUpdate(kind: AnyKind, next: AnyObject, old: AnyObject, subresource?: 'status'): FieldError[] {
  const meta = [...metaUpdateErrors(next.metadata, old.metadata), ...metaErrors(next.metadata, kind.checkName)]
  if (subresource === 'status') return once([...meta, ...(kind.validateStatusUpdate?.(next, old) ?? [])])
  return once([...meta, ...valueErrors(kind, next), ...(kind.validateUpdate?.(next, old) ?? [])])
}

function valueErrors(kind: AnyKind, object: AnyObject): FieldError[] {
  const errors: FieldError[] = []
  kind.type.check(object, '', errors)
  return [...errors, ...(kind.validate?.(object) ?? [])]
}

/** The declaration and a rule may both see one fault. */
function once(errors: readonly FieldError[]): FieldError[] {
  return [...new Map(errors.map((error) => [fieldErrorText(error), error])).values()]
}
