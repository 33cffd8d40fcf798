// What a Service must say, as far as Services are served here.
import { duplicate, type FieldError, invalid, invalidFor, outside, required } from '../field-error.ts'
import { labelErrors } from '../meta.ts'
import { dnsLabel, dnsSubdomain, ipAddress } from '../name.ts'
import type { IntOrString } from '../schema.ts'
import { portErrors } from './probe-rules.ts'

interface Port {
  name?: string | undefined
  protocol?: string | undefined
  port: number
  targetPort?: IntOrString | undefined
}
interface ServiceShape {
  spec: {
    type?: string | undefined
    clusterIP?: string | undefined
    externalName?: string | undefined
    ports?: Port[] | undefined
    selector?: Record<string, string> | undefined
  }
}

export function serviceErrors({ spec }: ServiceShape): FieldError[] {
  const { type, clusterIP, externalName, ports = [], selector } = spec
  const isExternal = type === 'ExternalName'
  const isHeadless = clusterIP === 'None'
  const wrong = ports.length > 0 || isHeadless || isExternal ? [] : [required('spec.ports')]
  wrong.push(...portListErrors(ports), ...labelErrors(selector, 'spec.selector'))
  if (isExternal) {
    const host = (externalName ?? '').replace(/\.$/, '')
    wrong.push(...(host === '' ? [required('spec.externalName')] : invalidFor('spec.externalName', host, dnsSubdomain(host))))
  } else if (clusterIP !== undefined && !isHeadless)
    wrong.push(...invalidFor('spec.clusterIPs[0]', clusterIP, ipAddress(clusterIP)))
  return wrong
}

function portListErrors(ports: readonly Port[]): FieldError[] {
  const names = new Set<string>()
  const numbers = new Set<string>()
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`
    const wrong: FieldError[] = []
    if (port.name === undefined) {
      if (ports.length > 1) wrong.push(required(`${at}.name`))
    } else {
      wrong.push(...invalidFor(`${at}.name`, port.name, dnsLabel(port.name)))
      if (names.has(port.name)) wrong.push(duplicate(`${at}.name`, port.name))
      names.add(port.name)
    }
    wrong.push(...outside(`${at}.port`, port.port, 1, 65_535), ...portErrors(port.targetPort ?? port.port, `${at}.targetPort`))
    const claim = `${port.protocol}/${port.port}`
    if (numbers.has(claim)) wrong.push(duplicate(at, { protocol: port.protocol, port: port.port }))
    numbers.add(claim)
    return wrong
  })
}

export function serviceUpdateErrors({ spec: next }: ServiceShape, { spec: old }: ServiceShape): FieldError[] {
  if (next.type === 'ExternalName' || old.type === 'ExternalName') return []
  if (old.clusterIP === undefined || next.clusterIP === old.clusterIP) return []
  return [invalid('spec.clusterIPs[0]', [next.clusterIP], 'may not change once set')]
}
