// The runtime's streaming server as an upgrade target: CRI hands out its URLs.
import type { OutgoingHttpHeaders } from 'node:http'
import type { UpgradeTarget } from '../../lib/upgrade.ts'

export const runtimeTarget = (url: URL): UpgradeTarget => ({
  protocol: url.protocol,
  host: url.hostname.replace(/^\[|\]$/g, ''),
  port: url.port,
  path: `${url.pathname}${url.search}`,
})

export const spdyUpgradeHeaders = (protocol: string): OutgoingHttpHeaders => ({
  connection: 'Upgrade',
  upgrade: 'SPDY/3.1',
  'x-stream-protocol-version': protocol,
  'content-length': 0,
})

/** What of a client's upgrade the runtime has to see. */
export const streamHeaders = /^(connection|upgrade|user-agent|content-length|x-stream-protocol-version)$/
