// How a Pod resolves names: its DNS settings and the lines it adds to /etc/hosts.
import { type FieldError, invalid, invalidFor, required } from '../field-error.ts'
import { dnsSubdomain, ipAddress } from '../name.ts'
import type { PodSpec } from './pod-spec.ts'

const maxNameservers = 3
const maxSearches = 32
const maxSearchCharacters = 2048

export function dnsErrors({ dnsPolicy, dnsConfig }: PodSpec, field: string): FieldError[] {
  const at = `${field}.dnsConfig`
  if (!dnsConfig) return dnsPolicy === 'None' ? [required(at, 'must provide `dnsConfig` when `dnsPolicy` is None')] : []
  const { nameservers = [], searches = [], options = [] } = dnsConfig
  const wrong: FieldError[] = []
  if (dnsPolicy === 'None' && nameservers.length === 0)
    wrong.push(required(`${at}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'))
  if (nameservers.length > maxNameservers)
    wrong.push(invalid(`${at}.nameservers`, nameservers, `must not have more than ${maxNameservers} nameservers`))
  wrong.push(...nameservers.flatMap((ip, i) => invalidFor(`${at}.nameservers[${i}]`, ip, ipAddress(ip))))
  if (searches.length > maxSearches)
    wrong.push(invalid(`${at}.searches`, searches, `must not have more than ${maxSearches} search paths`))
  if (searches.join(' ').length > maxSearchCharacters) {
    const why = `must not have more than ${maxSearchCharacters} characters (including spaces) in the search list`
    wrong.push(invalid(`${at}.searches`, searches, why))
  }
  for (const [i, search] of searches.entries())
    wrong.push(...invalidFor(`${at}.searches[${i}]`, search, dnsSubdomain(search.replace(/\.$/, ''))))
  for (const [i, option] of options.entries())
    if (option.name === undefined) wrong.push(required(`${at}.options[${i}]`, 'must not be empty'))
  return wrong
}

export const hostAliasErrors = (aliases: PodSpec['hostAliases'], field: string): FieldError[] =>
  (aliases ?? []).flatMap(({ ip, hostnames = [] }, i) => [
    ...(ip === '' ? [] : invalidFor(`${field}[${i}].ip`, ip, ipAddress(ip))),
    ...hostnames.flatMap((name, n) => invalidFor(`${field}[${i}].hostnames[${n}]`, name, dnsSubdomain(name))),
  ])
