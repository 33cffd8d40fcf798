// Discovery documents: which groups, versions and resources there are. Pure; made once from the kinds.
import { type AnyKind, verbs, type Verb } from '../api/kind.ts'

/** What discovery says of a path behind an object's name. */
export interface SubresourceFacts {
  subresource: string
  kind: string
  /** Of that kind, where it is not the resource's own. */
  version?: { group: string; version: string } | undefined
  verbs: readonly Verb[]
}
export type SubresourcesOf = (kind: AnyKind) => readonly SubresourceFacts[]

const byName =
  <T>(name: (item: T) => string) =>
  (a: T, b: T) =>
    name(a) < name(b) ? -1 : 1

const groupNames = (kinds: readonly AnyKind[]): string[] => [...new Set(kinds.map(({ group }) => group))].sort()
const versionsOf = (kinds: readonly AnyKind[], group: string): string[] => [
  ...new Set(kinds.filter((k) => k.group === group).map(({ version }) => version)),
]
const verbsOf = (kind: AnyKind): readonly Verb[] => verbs.filter((verb) => !kind.without?.includes(verb))
const groupVersion = (group: string, version: string): string => (group === '' ? version : `${group}/${version}`)

/** GET /api. `address` is where the server listens. */
export const apiVersions = (address: string) => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
})

/** GET /apis/GROUP; undefined when nothing is in it. The core group has none. */
export function apiGroup(kinds: readonly AnyKind[], group: string) {
  const versions = versionsOf(kinds, group).map((version) => ({ groupVersion: groupVersion(group, version), version }))
  if (group === '' || versions.length === 0) return undefined
  return { kind: 'APIGroup', apiVersion: 'v1', name: group, versions, preferredVersion: versions[0] }
}

/** GET /apis. */
export function apiGroupList(kinds: readonly AnyKind[]) {
  const groups = groupNames(kinds).flatMap((name) => {
    const group = apiGroup(kinds, name)
    return group ? [{ name: group.name, versions: group.versions, preferredVersion: group.preferredVersion }] : []
  })
  return { kind: 'APIGroupList', apiVersion: 'v1', groups }
}

/** GET /api/v1 and /apis/GROUP/VERSION; undefined for an unknown one. */
export function apiResourceList(kinds: readonly AnyKind[], apiVersion: string, subresourcesOf: SubresourcesOf) {
  const here = kinds.filter((kind) => kind.apiVersion === apiVersion).sort(byName(({ plural }) => plural))
  if (here.length === 0) return undefined
  const resources = here.flatMap((kind) => [resourceOf(kind), ...subresourcesOf(kind).map((sub) => subresourceOf(kind, sub))])
  return { kind: 'APIResourceList', ...(apiVersion === 'v1' ? {} : { apiVersion: 'v1' }), groupVersion: apiVersion, resources }
}

const resourceOf = (kind: AnyKind) => ({
  name: kind.plural,
  singularName: kind.singular,
  namespaced: kind.scope === 'namespaced',
  kind: kind.kind,
  verbs: verbsOf(kind),
  ...(kind.shortNames?.length ? { shortNames: kind.shortNames } : {}),
  ...(kind.categories?.length ? { categories: kind.categories } : {}),
})

const subresourceOf = (kind: AnyKind, { subresource, kind: itsKind, version, verbs: itsVerbs }: SubresourceFacts) => ({
  name: `${kind.plural}/${subresource}`,
  singularName: '',
  namespaced: kind.scope === 'namespaced',
  ...version,
  kind: itsKind,
  verbs: itsVerbs,
})

export type AggregatedVersion = 'v2' | 'v2beta1'

/** GET /api (`core`) or /apis, everything at once, as kubectl since 1.26 asks. */
export function aggregated(
  kinds: readonly AnyKind[],
  root: 'api' | 'apis',
  version: AggregatedVersion,
  subresourcesOf: SubresourcesOf,
) {
  const groups = groupNames(kinds).filter((group) => (group === '') === (root === 'api'))
  const items = groups.map((group) => ({
    metadata: group === '' ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
    versions: versionsOf(kinds, group).map((v) => ({
      version: v,
      resources: kinds
        .filter((kind) => kind.group === group && kind.version === v)
        .sort(byName(({ plural }) => plural))
        .map((kind) => aggregatedResource(kind, subresourcesOf(kind))),
      freshness: 'Current',
    })),
  }))
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items }
}

function aggregatedResource(kind: AnyKind, subs: readonly SubresourceFacts[]) {
  const responseKind = (name: string) => ({ group: kind.group, version: kind.version, kind: name })
  const { shortNames, categories } = resourceOf(kind)
  return {
    resource: kind.plural,
    responseKind: responseKind(kind.kind),
    scope: kind.scope === 'namespaced' ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(shortNames ? { shortNames } : {}),
    ...(categories ? { categories } : {}),
    ...(subs.length === 0
      ? {}
      : {
          subresources: subs.map((sub) => ({
            subresource: sub.subresource,
            responseKind: { ...responseKind(sub.kind), ...sub.version },
            verbs: sub.verbs,
          })),
        }),
  }
}
