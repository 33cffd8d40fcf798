// Exact quantities, as resource.Quantity: a number of nano-units and the family of suffixes it was written in.

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent'

export interface Quantity {
  /** Exact value in units of 10^-9; finer input is rounded away from zero, as upstream does. */
  nano: bigint
  format: QuantityFormat
}

const nanoPerUnit = 1_000_000_000n
const decimal: Record<string, number> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const decimalSuffix = new Map(Object.entries(decimal).map(([suffix, exponent]) => [exponent, suffix]))
const binary = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']
const syntax = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,3})?$/

export const quantityError = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

/** Reads `100m`, `1.5Gi`, `2e3`; undefined when it is none. */
export const parseQuantity: (text: string) => Readonly<Quantity> | undefined = remembered(parse)

function parse(text: string): Quantity | undefined {
  const match = syntax.exec(text.trim())
  if (!match) return undefined
  const [, sign = '', digits = '', suffix = ''] = match
  const [whole = '', fraction = ''] = digits.split('.')
  const power = binary.indexOf(suffix)
  const isBinary = power > 0
  const format: QuantityFormat = isBinary ? 'BinarySI' : /^[eE][+-]?\d/.test(suffix) ? 'DecimalExponent' : 'DecimalSI'
  const exponent = isBinary ? 0 : format === 'DecimalExponent' ? Number(suffix.slice(1)) : (decimal[suffix] ?? 0)
  const scaled = BigInt(`${whole}${fraction}` || '0') * (isBinary ? 1024n ** BigInt(power) : 1n)
  const nano = shiftUp(scaled, 9 + exponent - fraction.length)
  return { nano: sign === '-' ? -nano : nano, format }
}

/** value × 10^places, rounded up when places is negative. */
function shiftUp(value: bigint, places: number): bigint {
  if (places >= 0) return value * 10n ** BigInt(places)
  const divisor = 10n ** BigInt(-places)
  return (value + divisor - 1n) / divisor
}

/** The canonical spelling: no fraction, the largest suffix that keeps the value exact. `0.1` is `100m`, `1024Mi` is `1Gi`. */
export function formatQuantity({ nano, format }: Readonly<Quantity>): string {
  if (nano === 0n) return '0'
  const sign = nano < 0n ? '-' : ''
  const size = nano < 0n ? -nano : nano
  // k8s: binary suffixes below 1024 (or with a fraction) fall back to decimal ones, so that 0.5Ki is 512 and not half of something
  if (format === 'BinarySI' && size >= 1024n * nanoPerUnit && size % nanoPerUnit === 0n)
    return sign + formatBinary(size / nanoPerUnit)
  let digits = size
  let exponent = -9
  while (exponent < 18 && digits % 1000n === 0n) {
    digits /= 1000n
    exponent += 3
  }
  if (format === 'DecimalExponent') return `${sign}${digits}${exponent === 0 ? '' : `e${exponent}`}`
  return `${sign}${digits}${decimalSuffix.get(exponent) ?? ''}`
}

function formatBinary(units: bigint): string {
  let digits = units
  let power = 0
  while (power < 6 && digits % 1024n === 0n) {
    digits /= 1024n
    power += 1
  }
  return `${digits}${binary[power]}`
}

/** The same amount in its canonical spelling; undefined when `text` is no quantity. */
export const canonicalQuantity: (text: string) => string | undefined = remembered((text) => {
  const parsed = parseQuantity(text)
  return parsed && formatQuantity(parsed)
})

const mostRemembered = 4096
const longestRemembered = 32

/** A cluster spells few amounts, and reads each of them again and again. */
function remembered<T>(read: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return (text) => {
    if (known.has(text)) return known.get(text) as T
    const value = read(text)
    if (text.length > longestRemembered) return value
    if (known.size >= mostRemembered) known.clear()
    known.set(text, value)
    return value
  }
}

/** Nano-units of a quantity that validation has already let through. Throws RangeError on anything else. */
export function nanoOf(text: string): bigint {
  const parsed = parseQuantity(text)
  if (!parsed) throw new RangeError(`${JSON.stringify(text)}: ${quantityError}`)
  return parsed.nano
}

/** Whole units, rounded up (`Quantity.Value`). */
export const valueOf = (text: string): bigint => ceilDiv(nanoOf(text), nanoPerUnit)
/** Thousandths, rounded up (`Quantity.MilliValue`). */
export const milliValueOf = (text: string): bigint => ceilDiv(nanoOf(text), 1_000_000n)

function ceilDiv(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value > 0n && value % divisor !== 0n ? quotient + 1n : quotient
}

/** Equal as amounts, whatever the spelling: `100m` and `0.1`. */
export const sameQuantity = (a: string, b: string): boolean => nanoOf(a) === nanoOf(b)
