// Environment variables of containers: their names and where their values come from.
import { type FieldError, invalid, invalidFor, required } from '../field-error.ts'
import { configMapKey, envVarName } from '../name.ts'
import type { EnvFromSource, EnvVar } from './container.ts'
import { envFieldPaths, fieldRefErrors, resourceFieldRefErrors } from './downward-rules.ts'

const oneAtATime = 'may not have more than one field specified at a time'

export const envErrors = (env: readonly EnvVar[] | undefined, field: string): FieldError[] =>
  (env ?? []).flatMap((variable, i) => [
    ...nameErrors(variable.name, `${field}[${i}].name`),
    ...valueFromErrors(variable, `${field}[${i}].valueFrom`),
  ])

const nameErrors = (name: string, field: string): FieldError[] =>
  name === '' ? [required(field)] : invalidFor(field, name, envVarName(name))

function valueFromErrors({ value = '', valueFrom }: EnvVar, field: string): FieldError[] {
  if (!valueFrom) return []
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom
  const wrong: FieldError[] = []
  if (fieldRef) wrong.push(...fieldRefErrors(fieldRef, envFieldPaths, `${field}.fieldRef`))
  if (resourceFieldRef) wrong.push(...resourceFieldRefErrors(resourceFieldRef, `${field}.resourceFieldRef`, false))
  if (configMapKeyRef) wrong.push(...keyRefErrors(configMapKeyRef, `${field}.configMapKeyRef`))
  if (secretKeyRef) wrong.push(...keyRefErrors(secretKeyRef, `${field}.secretKeyRef`))
  const given = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef].filter((source) => source !== undefined).length
  if (given === 0)
    wrong.push(invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`'))
  else if (value !== '') wrong.push(invalid(field, '', 'may not be specified when `value` is not empty'))
  else if (given > 1) wrong.push(invalid(field, '', oneAtATime))
  return wrong
}

function keyRefErrors({ name, key }: { name?: string | undefined; key: string }, field: string): FieldError[] {
  return [
    ...(name === undefined ? [required(`${field}.name`)] : []),
    ...(key === '' ? [] : invalidFor(`${field}.key`, key, configMapKey(key))),
  ]
}

export const envFromErrors = (sources: readonly EnvFromSource[] | undefined, field: string): FieldError[] =>
  (sources ?? []).flatMap((source, i) => sourceErrors(source, `${field}[${i}]`))

function sourceErrors({ prefix, configMapRef, secretRef }: EnvFromSource, field: string): FieldError[] {
  const wrong = prefix === undefined ? [] : invalidFor(`${field}.prefix`, prefix, envVarName(prefix))
  if (configMapRef && configMapRef.name === undefined) wrong.push(required(`${field}.configMapRef.name`))
  if (secretRef && secretRef.name === undefined) wrong.push(required(`${field}.secretRef.name`))
  if (!configMapRef && !secretRef) wrong.push(invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
  else if (configMapRef && secretRef) wrong.push(invalid(field, '', oneAtATime))
  return wrong
}
