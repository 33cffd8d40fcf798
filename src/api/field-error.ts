// What is wrong with one field: the causes of a 422, worded as upstream's field.Error words them.

export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate'
  | 'FieldValueNotFound'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'

export interface FieldError {
  reason: FieldErrorReason
  field: string
  /** Without the field: `Invalid value: "x": must be ...`. */
  message: string
}

/** A value as Go's error text shows it: strings quoted, numbers bare, a nil pointer as "null", the rest as JSON. */
const shown = (value: unknown): string => JSON.stringify(value ?? 'null')
const withDetail = (text: string, detail: string): string => (detail === '' ? text : `${text}: ${detail}`)

export const required = (field: string, detail = ''): FieldError => ({
  reason: 'FieldValueRequired',
  field,
  message: withDetail('Required value', detail),
})
export const invalid = (field: string, value: unknown, detail: string): FieldError => ({
  reason: 'FieldValueInvalid',
  field,
  message: withDetail(`Invalid value: ${shown(value)}`, detail),
})
/** `Invalid value: ...: field is immutable`, unless `next` is what `old` was. */
export const immutable = (field: string, next: unknown, old: unknown): FieldError[] =>
  JSON.stringify(next) === JSON.stringify(old) ? [] : [invalid(field, next, 'field is immutable')]
export const notSupported = (field: string, value: unknown, supported: readonly string[]): FieldError => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${[...supported].sort().map(shown).join(', ')}`,
})
export const forbiddenField = (field: string, detail: string): FieldError => ({
  reason: 'FieldValueForbidden',
  field,
  message: withDetail('Forbidden', detail),
})
export const duplicate = (field: string, value: unknown, detail = ''): FieldError => ({
  reason: 'FieldValueDuplicate',
  field,
  message: withDetail(`Duplicate value: ${shown(value)}`, detail),
})
export const notFoundField = (field: string, value: unknown): FieldError => ({
  reason: 'FieldValueNotFound',
  field,
  message: `Not found: ${shown(value)}`,
})
/** k8s: the value is never echoed, it may be huge. */
export const tooLong = (field: string, maxBytes: number): FieldError => ({
  reason: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${maxBytes} bytes`,
})
export const fieldErrorText = (error: FieldError): string => `${error.field}: ${error.message}`

/** One error for each thing that is wrong with a value, such as a name check finds. */
export const invalidFor = (field: string, value: unknown, faults: readonly string[]): FieldError[] =>
  faults.map((why) => invalid(field, value, why))

/** A number that must lie between two others, both inclusive. */
export const outside = (field: string, value: number | undefined, min: number, max: number): FieldError[] =>
  value === undefined || (value >= min && value <= max)
    ? []
    : [invalid(field, value, `must be between ${min} and ${max}, inclusive`)]

export const negative = (field: string, value: number | undefined): FieldError[] =>
  value === undefined || value >= 0 ? [] : [invalid(field, value, 'must be greater than or equal to 0')]
