import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { kinds } from '../api/kinds.ts'
import { aggregated, apiGroup, apiGroupList, apiResourceList } from './discovery.ts'
import { makeDocuments } from './documents.ts'

const documents = makeDocuments(kinds)
const read = (document: { bytes: Buffer } | undefined) => JSON.parse(String(document?.bytes ?? 'null')) as Record<string, unknown>
const everyVerb = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
interface Resource {
  name: string
}

describe('discovery', () => {
  it('knows the group of RuntimeClass as the conformance test wants it', () => {
    const version = { groupVersion: 'node.k8s.io/v1', version: 'v1' }
    assert.deepEqual(apiGroup(kinds, 'node.k8s.io'), {
      ...{ kind: 'APIGroup', apiVersion: 'v1', name: 'node.k8s.io' },
      ...{ versions: [version], preferredVersion: version },
    })
    assert.ok(apiGroupList(kinds).groups.some((group) => group.name === 'node.k8s.io'))
    assert.deepEqual(read(documents.resources('node.k8s.io/v1')), {
      ...{ kind: 'APIResourceList', apiVersion: 'v1', groupVersion: 'node.k8s.io/v1' },
      resources: [
        { name: 'runtimeclasses', singularName: 'runtimeclass', namespaced: false, kind: 'RuntimeClass', verbs: everyVerb },
      ],
    })
  })

  it('lists the subresources that are routed', () => {
    const { resources } = read(documents.resources('v1')) as unknown as { resources: Resource[] }
    assert.deepEqual(
      resources.flatMap(({ name }) => (name.includes('/') ? [name] : [])),
      [
        ...[
          'namespaces/finalize',
          'namespaces/status',
          'nodes/status',
          'pods/attach',
          'pods/binding',
          'pods/eviction',
          'pods/exec',
        ],
        ...['pods/log', 'pods/portforward', 'pods/status', 'resourcequotas/status', 'services/status'],
      ],
    )
    assert.deepEqual(
      resources.find(({ name }) => name === 'pods/exec'),
      {
        ...{ name: 'pods/exec', singularName: '', namespaced: true, kind: 'PodExecOptions', verbs: ['create', 'get'] },
      },
    )
    assert.deepEqual(
      resources.find(({ name }) => name === 'pods'),
      {
        ...{ name: 'pods', singularName: 'pod', namespaced: true, kind: 'Pod', verbs: everyVerb },
        ...{ shortNames: ['po'], categories: ['all'] },
      },
    )
  })

  it('says the same in one answer', () => {
    for (const version of ['v2', 'v2beta1'] as const) {
      const core = aggregated(kinds, 'api', version, () => [])
      assert.deepEqual([core.apiVersion, core.items.length], [`apidiscovery.k8s.io/${version}`, 1])
    }
    const { items } = read(documents.aggregated('apis', 'v2')) as { items: { metadata: { name: string } }[] }
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      apiGroupList(kinds).groups.map(({ name }) => name),
    )
    const node = items.find(({ metadata }) => metadata.name === 'node.k8s.io')
    assert.deepEqual(node, {
      metadata: { name: 'node.k8s.io', creationTimestamp: null },
      versions: [
        {
          version: 'v1',
          resources: [
            {
              resource: 'runtimeclasses',
              responseKind: { group: 'node.k8s.io', version: 'v1', kind: 'RuntimeClass' },
              ...{ scope: 'Cluster', singularResource: 'runtimeclass', verbs: everyVerb },
            },
          ],
          freshness: 'Current',
        },
      ],
    })
  })

  it('knows nothing of groups and versions that are not there', () => {
    assert.equal(apiGroup(kinds, ''), undefined)
    assert.equal(apiGroup(kinds, 'x.io'), undefined)
    assert.equal(
      apiResourceList(kinds, 'node.k8s.io/v2', () => []),
      undefined,
    )
  })
})
