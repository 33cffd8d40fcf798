// ConfigMaps and Secrets that Pods of this node use: fetched on demand, watched while a Pod uses them.
import { ConfigMap } from '../api/core/config-map.ts'
import type { Pod } from '../api/core/pod.ts'
import { Secret } from '../api/core/secret.ts'
import { unlessNotFound } from '../api/status.ts'
import type { Client, Ref } from '../client/client.ts'
import { type Mirror, mirror } from '../client/mirror.ts'
import type { Clock } from '../lib/clock.ts'
import { configNames } from './config-names.ts'

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
  /** An object that the Pod uses has been read for the first time, changed or gone: its volumes may need `mountVolumes` again. */
  onChange: (podUid: string) => void
}

type Config = ConfigMap | Secret

interface Watch {
  kind: typeof ConfigMap | typeof Secret
  ref: Ref
  users: Set<string>
  stop: AbortController
  /** Set once the first list is in. */
  mirror: Mirror<Config> | undefined
  /** k8s: nothing changes an immutable object, so it is read once and not watched on. */
  fixed: Config | undefined
}

interface Source extends ConfigSourceOptions {
  watches: Map<string, Watch>
  /** Pod uid to the keys of what it uses. */
  uses: Map<string, Set<string>>
}

export function configSource(options: ConfigSourceOptions): ConfigSource {
  const source: Source = { ...options, watches: new Map(), uses: new Map() }
  return {
    configMap: (namespace, name) => find<ConfigMap>(source, ConfigMap, { namespace, name }),
    secret: (namespace, name) => find<Secret>(source, Secret, { namespace, name }),
    use: (pod) => use(source, pod),
    release: (podUid) => release(source, podUid),
    close() {
      for (const podUid of [...source.uses.keys()]) release(source, podUid)
    },
  }
}

const keyOf = (kind: Watch['kind'], { namespace, name }: Ref): string => `${kind.plural}/${namespace}/${name}`

/** From the watch when there is one that has listed; else from the server. */
async function find<T extends Config>(source: Source, kind: Watch['kind'], ref: Ref): Promise<T | undefined> {
  const watch = source.watches.get(keyOf(kind, ref))
  if (watch?.fixed) return watch.fixed as T
  const held = watch?.mirror?.get(ref)
  if (held) return held as T
  // not there according to the watch: ask, as the object may have been made a moment ago
  return (await source.client.get(kind, ref).catch(unlessNotFound)) as Config | undefined as T | undefined
}

function use(source: Source, pod: Pod): void {
  const uid = pod.metadata.uid ?? ''
  const namespace = pod.metadata.namespace ?? ''
  const names = configNames(pod)
  const wanted = new Map<string, { kind: Watch['kind']; ref: Ref }>()
  for (const name of names.configMaps)
    wanted.set(keyOf(ConfigMap, { namespace, name }), { kind: ConfigMap, ref: { namespace, name } })
  for (const name of names.secrets) wanted.set(keyOf(Secret, { namespace, name }), { kind: Secret, ref: { namespace, name } })
  const before = source.uses.get(uid) ?? new Set()
  source.uses.set(uid, new Set(wanted.keys()))
  for (const [key, what] of wanted) {
    const watch = source.watches.get(key) ?? start(source, key, what)
    watch.users.add(uid)
  }
  for (const key of before) if (!wanted.has(key)) drop(source, key, uid)
}

function release(source: Source, podUid: string): void {
  for (const key of source.uses.get(podUid) ?? []) drop(source, key, podUid)
  source.uses.delete(podUid)
}

function drop(source: Source, key: string, podUid: string): void {
  const watch = source.watches.get(key)
  if (!watch?.users.delete(podUid) || watch.users.size > 0) return
  source.watches.delete(key)
  watch.stop.abort()
}

function start(source: Source, key: string, { kind, ref }: { kind: Watch['kind']; ref: Ref }): Watch {
  const watch: Watch = {
    kind,
    ref,
    users: new Set(),
    stop: new AbortController(),
    mirror: undefined,
    fixed: undefined,
  }
  source.watches.set(key, watch)
  void follow(source, watch)
  return watch
}

async function follow({ client, clock, onChange }: Source, watch: Watch): Promise<void> {
  const { signal } = watch.stop
  const where = { namespace: watch.ref.namespace, fieldSelector: `metadata.name=${watch.ref.name}` }
  const told = ({ type, object }: { type: string; object: Config }) => {
    if (signal.aborted) return
    if (type !== 'DELETED' && object.immutable) {
      watch.fixed = object
      watch.stop.abort()
    }
    for (const podUid of watch.users) onChange(podUid)
  }
  watch.mirror = await mirror<typeof ConfigMap>(client, watch.kind as typeof ConfigMap, { where, clock, signal, onChange: told })
}
