import { filter } from '../filter.ts'
import type { HostPort } from '../pod-need.ts'

const taken = [{ text: "node(s) didn't have free ports for the requested pod ports" }]
const everywhere = '0.0.0.0'

/** Host ports; 0.0.0.0 clashes with every address. */
export const nodePorts = filter({
  name: 'NodePorts',
  prepare: ({ hostPorts }) => (hostPorts.length === 0 ? undefined : hostPorts),
  check(wanted: readonly HostPort[], { ports }) {
    for (const { key, ip } of wanted) {
      const addresses = ports.get(key)
      if (addresses && (ip === everywhere || addresses.has(ip) || addresses.has(everywhere))) return taken
    }
    return undefined
  },
})
