// Variables that tell a container where Services are, as Docker links once did.
import type { Service } from '../api/core/service.ts'

interface Reached {
  name: string
  host: string
  ports: readonly { name?: string | undefined; protocol?: string | undefined; port: number }[]
}

/**
 * `<NAME>_SERVICE_HOST`, `_SERVICE_PORT` and the link variables. `apiServer` is announced as the Service `kubernetes` in any case:
 * k8s: enableServiceLinks: false does not take that one away.
 */
export function serviceEnv(
  services: readonly Service[],
  apiServer: { host: string; port: number } | undefined,
): Map<string, string> {
  const reached = services.filter(hasAddress).map(reachedOf)
  const kubernetes = apiServer && {
    name: 'kubernetes',
    host: apiServer.host,
    ports: [{ name: 'https', protocol: 'TCP', port: apiServer.port }],
  }
  const all = kubernetes ? [...reached.filter(({ name }) => name !== 'kubernetes'), kubernetes] : reached
  return new Map(all.flatMap(variablesOf))
}

const hasAddress = ({ spec }: Service): boolean =>
  !['', 'None', undefined].includes(spec.clusterIP) && (spec.ports ?? []).length > 0

const reachedOf = ({ metadata, spec }: Service): Reached => ({
  name: metadata.name,
  host: spec.clusterIP ?? '',
  ports: spec.ports ?? [],
})

const upper = (name: string): string => name.toUpperCase().replaceAll('-', '_')

function variablesOf({ name, host, ports }: Reached): [string, string][] {
  const prefix = upper(name)
  const first = ports[0]
  if (!first) return []
  const links = ports.flatMap(({ port, protocol = 'TCP' }, i): [string, string][] => {
    const url = `${protocol.toLowerCase()}://${host.includes(':') ? `[${host}]` : host}:${port}`
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`
    return [
      ...(i === 0 ? [[`${prefix}_PORT`, url] satisfies [string, string]] : []),
      [link, url],
      [`${link}_PROTO`, protocol.toLowerCase()],
      [`${link}_PORT`, String(port)],
      [`${link}_ADDR`, host],
    ]
  })
  const named = ports.flatMap((p): [string, string][] =>
    p.name ? [[`${prefix}_SERVICE_PORT_${upper(p.name)}`, String(p.port)]] : [],
  )
  return [[`${prefix}_SERVICE_HOST`, host], [`${prefix}_SERVICE_PORT`, String(first.port)], ...named, ...links]
}
