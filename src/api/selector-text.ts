// The grammar of label selectors: `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>3`.
import { labelValue, qualifiedName } from './name.ts'
import { badRequest, type StatusError } from './status.ts'

export type LabelOperator = '=' | '==' | '!=' | 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'

/** One term. `values` is empty for `exists` and `!`. */
export interface Requirement {
  key: string
  operator: LabelOperator
  values: readonly string[]
}

/** The terms of a selector's text; none for an empty one. Throws a 400 in upstream's words. */
export function labelRequirements(text: string): Requirement[] {
  const tokens = tokensOf(text)
  const found: Requirement[] = []
  const start = tokens.peek()
  if (start.kind === 'end') return found
  if (!beginsTerm(start)) throw badRequest(`found '${start.literal}', expected: !, identifier, or 'end of string'`)
  for (;;) {
    found.push(requirementOf(tokens))
    const { kind, literal } = tokens.next()
    if (kind === 'end') return found
    if (kind !== ',') throw badRequest(`found '${literal}', expected: ',' or 'end of string'`)
    const after = tokens.peek()
    if (!beginsTerm(after)) throw badRequest(`found '${after.literal}', expected: identifier after ','`)
  }
}

// k8s: only faults inside a term carry this prefix
const wrong = (why: string): StatusError => badRequest(`unable to parse requirement: ${why}`)

interface Token {
  kind: 'word' | 'in' | 'notin' | 'end' | '!' | '=' | '==' | '!=' | '>' | '<' | '(' | ')' | ','
  literal: string
}
interface Tokens {
  peek(): Token
  next(): Token
}
/** k8s: `in` and `notin` are names where a name is wanted. */
const isWord = ({ kind }: Token): boolean => kind === 'word' || kind === 'in' || kind === 'notin'
const beginsTerm = (token: Token): boolean => token.kind === '!' || isWord(token)
const symbols = new Set(['=', '==', '!=', '!', '>', '<', '(', ')', ','])

function tokensOf(text: string): Tokens {
  const pieces = text.match(/==|!=|[=!<>(),]|[^\s=!<>(),]+/g) ?? []
  let at = 0
  const peek = (): Token => {
    const literal = pieces[at]
    if (literal === undefined) return { kind: 'end', literal: '' }
    if (symbols.has(literal)) return { kind: literal as Token['kind'], literal }
    return { kind: literal === 'in' || literal === 'notin' ? literal : 'word', literal }
  }
  const next = () => {
    const token = peek()
    at += 1
    return token
  }
  return { peek, next }
}

function requirementOf(tokens: Tokens): Requirement {
  const absent = tokens.peek().kind === '!'
  if (absent) tokens.next()
  const name = tokens.next()
  if (!isWord(name)) throw wrong(`found '${name.literal}', expected: identifier`)
  const key = name.literal
  const bad = qualifiedName(key)
  if (bad.length > 0) throw wrong(`<nil>: Invalid value: ${JSON.stringify(key)}: ${bad.join('; ')}`)
  if (absent) return { key, operator: '!', values: [] }
  const { kind } = tokens.peek()
  if (kind === 'end' || kind === ',') return { key, operator: 'exists', values: [] }
  const operator = operatorOf(tokens.next())
  const values = operator === 'in' || operator === 'notin' ? valuesOf(tokens) : [exactValue(tokens)]
  checkValues(key, operator, values)
  return { key, operator, values }
}

function operatorOf({ kind, literal }: Token): LabelOperator {
  if (kind === '>') return 'gt'
  if (kind === '<') return 'lt'
  if (kind === '=' || kind === '==' || kind === '!=' || kind === 'in' || kind === 'notin') return kind
  throw wrong(`found '${literal}', expected: in, notin, =, ==, !=, gt, lt`)
}

/** k8s: `a=` asks for the empty value. */
function exactValue(tokens: Tokens): string {
  const { kind } = tokens.peek()
  if (kind === 'end' || kind === ',') return ''
  const token = tokens.next()
  if (isWord(token)) return token.literal
  throw wrong(`found '${token.literal}', expected: identifier`)
}

/** `(x,y)`. k8s: an empty place is the empty value: `(x,)`, `(,x)`, `()`. */
function valuesOf(tokens: Tokens): string[] {
  const open = tokens.next()
  if (open.kind !== '(') throw wrong(`found '${open.literal}' expected: '('`)
  const values = new Set<string>()
  let wanted = true
  for (;;) {
    const token = tokens.next()
    if (token.kind === ',' || token.kind === ')') {
      if (wanted) values.add('')
      wanted = true
      if (token.kind === ')') return [...values]
    } else if (isWord(token) && wanted) {
      values.add(token.literal)
      wanted = false
    } else throw wrong(`found '${token.literal}', expected: ${values.size === 0 ? "',', ')' or identifier" : "',' or ')'"}`)
  }
}

function checkValues(key: string, operator: LabelOperator, values: readonly string[]): void {
  const isOrder = operator === 'gt' || operator === 'lt'
  for (const [i, value] of values.entries()) {
    if (isOrder && !/^[+-]?\d+$/.test(value))
      throw wrong(`values[${i}]: Invalid value: ${JSON.stringify(value)}: for 'Gt', 'Lt' operators, the value must be an integer`)
    const bad = labelValue(value)
    if (bad.length > 0) throw wrong(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${bad.join('; ')}`)
  }
}
