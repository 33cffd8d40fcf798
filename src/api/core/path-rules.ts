// Which relative paths a volume may use.
import { type FieldError, invalid, required } from '../field-error.ts'

export const backstepErrors = (path: string, field: string): FieldError[] =>
  path.split('/').includes('..') ? [invalid(field, path, "must not contain '..'")] : []

/** A path below some directory: relative, never climbing out. */
export const descendingPathErrors = (path: string, field: string): FieldError[] => [
  ...(path.startsWith('/') ? [invalid(field, path, 'must be a relative path')] : []),
  ...backstepErrors(path, field),
]

/** A file of a volume that is swapped atomically: `..` at the start is the kubelet's own. */
export function volumeFilePathErrors(path: string, field: string): FieldError[] {
  if (path === '') return [required(field)]
  const reserved = path.startsWith('..') && !path.startsWith('../')
  return [...descendingPathErrors(path, field), ...(reserved ? [invalid(field, path, "must not start with '..'")] : [])]
}

export const fileModeErrors = (mode: number | undefined, field: string): FieldError[] =>
  mode === undefined || (mode >= 0 && mode <= 0o777)
    ? []
    : [invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive')]
