// Content negotiation: which form of an answer a client can read.
import { failure, type StatusError } from '../api/status.ts'

/** `object`: as it is; `table`: kubectl's columns; `metadata`: PartialObjectMetadata. */
export interface AnswerForm {
  form: 'object' | 'table' | 'metadata'
  /** Of meta.k8s.io, for the forms that are not the object itself. */
  version: 'v1' | 'v1beta1'
  encoding: 'json' | 'yaml'
}

export interface Clause {
  type: string
  params: Readonly<Record<string, string>>
  q: number
}

/** The clauses of an Accept header, the most wanted first; none: everything is welcome. */
export function acceptClauses(header: string | undefined): Clause[] {
  const clauses = (header ?? '').split(',').flatMap((text): Clause[] => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim())
    if (type === '') return []
    const params = Object.fromEntries(rest.map((part) => part.split('=', 2).map((x) => x.trim()) as [string, string]))
    const q = params.q === undefined ? 1 : Number(params.q)
    return [{ type: type.toLowerCase(), params, q: Number.isNaN(q) ? 0 : q }]
  })
  return clauses.filter(({ q }) => q > 0).sort((a, b) => b.q - a.q)
}

const plain: AnswerForm = { form: 'object', version: 'v1', encoding: 'json' }
const encodings: Record<string, AnswerForm['encoding']> = {
  ...{ '*/*': 'json', 'application/*': 'json', 'application/json': 'json', 'application/yaml': 'yaml' },
}
const forms: Record<string, AnswerForm['form']> = {
  Table: 'table',
  PartialObjectMetadata: 'metadata',
  PartialObjectMetadataList: 'metadata',
}

/** The first clause we can serve. Throws 406 when there is none. */
export function answerForm(header: string | undefined): AnswerForm {
  const clauses = acceptClauses(header)
  if (clauses.length === 0) return plain
  for (const clause of clauses) {
    const found = formOf(clause)
    if (found) return found
  }
  throw notAcceptable(['application/json', 'application/yaml'])
}

function formOf({ type, params }: Clause): AnswerForm | undefined {
  const encoding = encodings[type]
  if (encoding === undefined) return undefined
  if (params.as === undefined) return { ...plain, encoding }
  const form = forms[params.as]
  const { g, v } = params
  if (form === undefined || g !== 'meta.k8s.io' || (v !== 'v1' && v !== 'v1beta1')) return undefined
  return { form, version: v, encoding }
}

const notAcceptable = (types: readonly string[]): StatusError =>
  failure(406, 'NotAcceptable', `only the following media types are accepted: ${types.join(', ')}`)
