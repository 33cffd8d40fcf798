import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { ConfigMap } from '../../api/core/config-map.ts'
import { Secret } from '../../api/core/secret.ts'
import { cases } from '../../testing/cases.ts'
import type { Configs } from '../config-source.ts'
import { samplePod } from '../sample-pod.ts'
import { payloadOf } from './payload.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const settings = ConfigMap.decode(
  { metadata: { name: 'settings' }, data: { a: '1', b: '2' }, binaryData: { bin: base64('\u0001') } },
  { unknown: [] },
)
const login = Secret.decode({ metadata: { name: 'login' }, data: { user: base64('ada') } }, { unknown: [] })
const configs: Configs = {
  configMap: async (_, name) => (name === 'settings' ? settings : undefined),
  secret: async (_, name) => (name === 'login' ? login : undefined),
}
const facts = { nodeAllocatable: { memory: '1Gi' }, hostIPs: [], podIPs: [] }

async function filesOf(source: Record<string, unknown>): Promise<Record<string, string>> {
  const containers = [{ name: 'main', image: 'i', resources: { limits: { cpu: '1500m' } } }]
  const labels = { b: 'two "2"', a: 'one' }
  const annotations = { text: 'line\nbell\u0007\u0001' }
  const pod = samplePod({ containers, volumes: [{ name: 'v', ...source }] }, { labels, annotations })
  const [volume] = pod.spec.volumes ?? []
  assert(volume)
  const files = await payloadOf(pod, volume, { configs, facts })
  return Object.fromEntries(
    [...(files ?? [])].map(([path, { data, mode }]) => [path, `${mode.toString(8)} ${Buffer.from(data).toString()}`]),
  )
}

describe('payloadOf', () => {
  const field = (path: string, fieldPath: string) => ({ path, fieldRef: { fieldPath } })
  cases(
    [
      {
        name: 'gives every key of a ConfigMap',
        source: { configMap: { name: 'settings' } },
        want: { a: '644 1', b: '644 2', bin: '644 \u0001' },
      },
      {
        name: 'gives the wanted keys, at their paths and with their modes',
        source: {
          configMap: {
            name: 'settings',
            defaultMode: 0o400,
            items: [
              { key: 'a', path: 'x//./a', mode: 0o440 },
              { key: 'b', path: 'b' },
            ],
          },
        },
        want: { 'x/a': '440 1', b: '400 2' },
      },
      { name: 'decodes a Secret', source: { secret: { secretName: 'login' } }, want: { user: '644 ada' } },
      { name: 'is empty for an optional object', source: { secret: { secretName: 'x', optional: true } }, want: {} },
      {
        name: 'leaves out optional keys',
        source: { configMap: { name: 'settings', optional: true, items: [{ key: 'q', path: 'q' }] } },
        want: {},
      },
      {
        name: 'writes the Pod about itself',
        source: {
          downwardAPI: {
            items: [
              field('labels', 'metadata.labels'),
              field('notes', 'metadata.annotations'),
              { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' }, mode: 0o400 },
              { path: 'memory', resourceFieldRef: { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' } },
            ],
          },
        },
        want: {
          labels: '644 a="one"\nb="two \\"2\\""',
          notes: '644 text="line\\nbell\\a\\x01"',
          cpu: '400 2',
          memory: '644 1024',
        },
      },
      {
        name: 'merges the sources of a projected volume, the later one winning',
        source: {
          projected: {
            defaultMode: 0o640,
            sources: [
              {
                configMap: {
                  name: 'settings',
                  items: [
                    { key: 'a', path: 'a' },
                    { key: 'b', path: 'b' },
                  ],
                },
              },
              { secret: { name: 'login', items: [{ key: 'user', path: 'b' }] } },
              { downwardAPI: { items: [field('name', 'metadata.name')] } },
            ],
          },
        },
        want: { a: '640 1', b: '640 ada', name: '640 web' },
      },
      { name: 'has nothing to write for other volumes', source: { emptyDir: {} }, want: {} },
    ],
    async ({ source, want }) => assert.deepEqual(await filesOf(source), want),
  )

  cases(
    [
      { name: 'misses a ConfigMap', source: { configMap: { name: 'x' } }, want: 'configmap "x" not found' },
      { name: 'misses a Secret', source: { secret: { secretName: 'x' } }, want: 'secret "x" not found' },
      {
        name: 'misses a key of a ConfigMap',
        source: { configMap: { name: 'settings', items: [{ key: 'q', path: 'q' }] } },
        want: 'configmap references non-existent config key: q',
      },
      {
        name: 'misses a key of a Secret',
        source: { secret: { secretName: 'login', items: [{ key: 'q', path: 'q' }] } },
        want: 'references non-existent secret key: q',
      },
      {
        name: 'refuses a path that leads out',
        source: { configMap: { name: 'settings', items: [{ key: 'a', path: 'x/../../a' }] } },
        want: 'invalid path "x/../../a"',
      },
      {
        name: 'names all sources that fail, tokens as unsupported',
        source: { projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'x' } }] } },
        want: '[projected source serviceAccountToken is not supported by this node, configmap "x" not found]',
      },
    ],
    async ({ source, want }) => assert.rejects(filesOf(source), { message: want }),
  )
})
