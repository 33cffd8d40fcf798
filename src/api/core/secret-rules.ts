// What ConfigMaps and Secrets may hold, and what may change in them.
import { base64Length, textOfBase64 } from '../base64.ts'
import { sameValue } from '../equal.ts'
import { type FieldError, forbiddenField, immutable, invalid, invalidFor, required, tooLong } from '../field-error.ts'
import { utf8Length } from '../meta.ts'
import { configMapKey } from '../name.ts'
import { own } from '../own.ts'

type Texts = Record<string, string>
const limitBytes = 1024 * 1024

interface Held {
  immutable?: boolean | undefined
  data?: Texts | undefined
  binaryData?: Texts | undefined
}

const keyErrors = (map: Texts | undefined, field: string): FieldError[] =>
  Object.keys(map ?? {}).flatMap((key) => invalidFor(`${field}[${key}]`, key, configMapKey(key)))

const total = (map: Texts | undefined, size: (value: string) => number): number =>
  Object.values(map ?? {}).reduce((sum, value) => sum + size(value), 0)

export function configMapErrors({ data, binaryData }: Held): FieldError[] {
  const wrong = [...keyErrors(data, 'data'), ...keyErrors(binaryData, 'binaryData')]
  for (const key of Object.keys(data ?? {}))
    if (binaryData && Object.hasOwn(binaryData, key))
      wrong.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
  // k8s: the size of the whole is reported at a path without a name
  if (total(data, utf8Length) + total(binaryData, base64Length) > limitBytes) wrong.push(tooLong('[]', limitBytes))
  return wrong
}

const frozen = 'field is immutable when `immutable` is set'

/** Once `immutable` is true, it and the data stay as they are. */
export function heldUpdateErrors(next: Held, old: Held): FieldError[] {
  if (!old.immutable) return []
  const wrong = next.immutable ? [] : [forbiddenField('immutable', frozen)]
  for (const key of ['data', 'binaryData'] as const)
    if (!sameValue(next[key] ?? {}, old[key] ?? {})) wrong.push(forbiddenField(key, frozen))
  return wrong
}

interface SecretShape extends Held {
  type?: string | undefined
  metadata: { annotations?: Texts | undefined }
}

export function secretErrors(secret: SecretShape): FieldError[] {
  const wrong = keyErrors(secret.data, 'data')
  if (total(secret.data, base64Length) > limitBytes) wrong.push(tooLong('data', limitBytes))
  return [...wrong, ...typeErrors(secret)]
}

export const secretUpdateErrors = (next: SecretShape, old: SecretShape): FieldError[] => [
  ...immutable('type', next.type, old.type),
  ...heldUpdateErrors(next, old),
]

const owner = 'kubernetes.io/service-account.name'

/** What each type of Secret must hold. */
const wanted: Record<string, readonly string[]> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

function typeErrors({ type = '', data = {}, metadata }: SecretShape): FieldError[] {
  if (type === 'kubernetes.io/service-account-token')
    return metadata.annotations?.[owner] ? [] : [required(`metadata.annotations[${owner}]`)]
  if (type === 'kubernetes.io/basic-auth') {
    const names = ['username', 'password']
    return names.some((name) => Object.hasOwn(data, name)) ? [] : names.map((name) => required(`data[${name}]`))
  }
  return (own(wanted, type) ?? []).flatMap((key) => {
    const value = own(data, key)
    if (value === undefined) return [required(`data[${key}]`)]
    return key.startsWith('.docker') && !isJson(value)
      ? [invalid(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON')]
      : []
  })
}

function isJson(base64: string): boolean {
  try {
    JSON.parse(textOfBase64(base64))
    return true
  } catch {
    return false
  }
}
