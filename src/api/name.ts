// Which names are legal where: DNS labels and subdomains, qualified names, label values. Texts as upstream's validation.

const dnsLabelSyntax = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const dnsSubdomainSyntax = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const dns1035LabelSyntax = /^[a-z]([-a-z0-9]*[a-z0-9])?$/
const qualifiedNameSyntax = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

const dnsLabelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const dnsSubdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const dns1035LabelText =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
const labelValueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const qualifiedNameText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

/** Each returns what is wrong, in upstream's words; an empty list means legal. */
export type NameCheck = (name: string) => string[]

const within = (name: string, max: number, wrong: string[]): string[] =>
  name.length > max ? [`must be no more than ${max} characters`, ...wrong] : wrong

export const dnsLabel: NameCheck = (name) => within(name, 63, dnsLabelSyntax.test(name) ? [] : [dnsLabelText])
export const dnsSubdomain: NameCheck = (name) => within(name, 253, dnsSubdomainSyntax.test(name) ? [] : [dnsSubdomainText])

/** k8s: Service names must begin with a letter. */
export const dns1035Label: NameCheck = (name) => within(name, 63, dns1035LabelSyntax.test(name) ? [] : [dns1035LabelText])

/** k8s: a label value is 63 characters at most, and may be empty. */
export const labelValue: NameCheck = (value) =>
  within(value, 63, value === '' || qualifiedNameSyntax.test(value) ? [] : [labelValueText])

/** `name` or `prefix/name`, as label keys, annotation keys, resource and taint names are written. */
export const qualifiedName: NameCheck = (name) => {
  const parts = name.split('/')
  if (parts.length > 2)
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ]
  const wrong: string[] = []
  const prefix = parts.length === 2 ? parts[0] : undefined
  const base = parts.at(-1) ?? ''
  if (prefix === '') wrong.push('prefix part must be non-empty')
  else if (prefix !== undefined) wrong.push(...dnsSubdomain(prefix).map((why) => `prefix part ${why}`))
  if (base === '') wrong.push('name part must be non-empty')
  else if (base.length > 63) wrong.push('name part must be no more than 63 characters')
  if (!qualifiedNameSyntax.test(base)) wrong.push(qualifiedNameText)
  return wrong
}

/** A path segment: not `.` or `..`, without `/` or `%`. */
export const pathSegment: NameCheck = (name) => {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`)
}

/** An environment variable as 1.32 accepts it: any printable ASCII but `=`. */
export const envVarName: NameCheck = (name) =>
  /^[ -<>-~]+$/.test(name)
    ? []
    : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]

/** A key of a ConfigMap or Secret: a file name. */
export const configMapKey: NameCheck = (key) => {
  const syntax = /^[-._a-zA-Z0-9]+$/.test(key)
    ? []
    : [
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
      ]
  const dots = key === '.' || key === '..' ? [`must not be '${key}'`] : key.startsWith('..') ? ["must not start with '..'"] : []
  return within(key, 253, [...syntax, ...dots])
}

/** A named port: up to 15 of [a-z0-9-], one letter at least. */
export const portName: NameCheck = (name) => {
  const wrong: string[] = []
  if (name.length > 15) wrong.push('must be no more than 15 characters')
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))
    wrong.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(name)) wrong.push('must contain at least one letter (a-z)')
  if (name.includes('--')) wrong.push('must not contain consecutive hyphens')
  return wrong
}

/** An IPv4 or IPv6 address. k8s: zones (`fe80::1%eth0`) are none. */
export const ipAddress: NameCheck = (ip) =>
  isIPv4(ip) || isIPv6(ip) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']

const isIPv4 = (ip: string): boolean => /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/.test(ip)

function isIPv6(ip: string): boolean {
  const [head = '', tail, ...more] = ip.split('::')
  if (more.length > 0) return false
  const last = ip.slice(ip.lastIndexOf(':') + 1)
  const dotted = last.includes('.')
  if (!ip.includes(':') || (dotted && !isIPv4(last))) return false
  const groups = [head, tail ?? ''].flatMap((part) => (part === '' ? [] : part.split(':')))
  const plain = dotted ? groups.slice(0, -1) : groups
  if (!plain.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group))) return false
  const size = plain.length + (dotted ? 2 : 0)
  return tail === undefined ? size === 8 : size < 8
}

/** `10.0.0.0/8`, `fd00::/64`. */
export const cidr: NameCheck = (range) => {
  const [ip = '', bits = '', ...more] = range.split('/')
  const max = isIPv4(ip) ? 32 : isIPv6(ip) ? 128 : -1
  return more.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= max
    ? []
    : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}
