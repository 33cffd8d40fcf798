// ConfigMaps and Secrets that Pods of this node use: fetched on demand, watched while a Pod uses them.
import type { ConfigMap } from '../api/core/config-map.ts'
import type { Pod } from '../api/core/pod.ts'
import type { Secret } from '../api/core/secret.ts'
import type { Client } from '../client/client.ts'
import type { Clock } from '../lib/clock.ts'

/** What env and volumes read. undefined: there is none of that name. Other failures reject with StatusError. */
export interface Configs {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>
  secret(namespace: string, name: string): Promise<Secret | undefined>
}

export interface ConfigSource extends Configs {
  /** From now on `pod` uses what its spec names: fetched afresh once, then kept current by one watch per object. */
  use(pod: Pod): void
  /** Ends the watches nobody else needs. */
  release(podUid: string): void
  close(): void
}

export interface ConfigSourceOptions {
  client: Pick<Client, 'get' | 'list' | 'watch'>
  clock: Clock
  /** An object that the Pod uses has changed, appeared or gone: its volumes may need `mountVolumes` again. */
  onChange(podUid: string): void
}

export function configSource(options: ConfigSourceOptions): ConfigSource {
  throw new Error(`not written yet: ${Object.keys(options).join()}`)
}
