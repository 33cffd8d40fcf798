import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { ConfigMap } from '../api/core/config-map.ts'
import type { Pod } from '../api/core/pod.ts'
import { Secret } from '../api/core/secret.ts'
import { Service } from '../api/core/service.ts'
import { cases } from '../testing/cases.ts'
import type { Configs } from './config-source.ts'
import { type EnvSources, expand, resolveEnv } from './env.ts'
import { samplePod, samplePodWith } from './sample-pod.ts'

const settings = ConfigMap.decode(
  { metadata: { name: 'settings', namespace: 'default' }, data: { COLOR: 'red', 'log.level': 'info', '1st': 'x' } },
  { unknown: [] },
)
const login = Secret.decode(
  { metadata: { name: 'login', namespace: 'default' }, data: { USER: Buffer.from('ada').toString('base64') } },
  { unknown: [] },
)
const configs: Configs = {
  configMap: async (namespace, name) => (namespace === 'default' && name === 'settings' ? settings : undefined),
  secret: async (namespace, name) => (namespace === 'default' && name === 'login' ? login : undefined),
}

function sourcesOf(more: Partial<EnvSources> = {}): EnvSources & { told: string[] } {
  const told: string[] = []
  return {
    configs,
    events: { event: ({ pod }, type, reason, message) => void told.push([pod.metadata.name, type, reason, message].join('|')) },
    nodeAllocatable: { cpu: '4', memory: '8Gi', 'ephemeral-storage': '10Gi' },
    hostIPs: ['192.0.2.1', '2001:db8::1'],
    podIPs: ['10.244.0.2'],
    told,
    ...more,
  }
}

async function envOf(pod: Pod, sources: EnvSources = sourcesOf()): Promise<Record<string, string>> {
  const [container] = pod.spec.containers
  assert(container)
  return Object.fromEntries((await resolveEnv(pod, container, sources)).map(({ name, value }) => [name, value]))
}

describe('expand', () => {
  const env = [
    { name: 'A', value: '1' },
    { name: 'B', value: '$(A)' },
  ]
  cases(
    [
      { name: 'puts a value in', text: 'x$(A)y', want: 'x1y' },
      { name: 'does not expand what a value says', text: '$(B)', want: '$(A)' },
      { name: 'leaves an unknown name', text: '$(C) $()', want: '$(C) $()' },
      { name: 'takes $$ for a plain $', text: '$$(A) $$$(A) $$', want: '$(A) $1 $' },
      { name: 'leaves a $ before anything else', text: '$A $ $(A', want: '$A $ $(A' },
    ],
    ({ text, want }) => assert.equal(expand(text, env), want),
  )
})

describe('resolveEnv', () => {
  const field = (fieldPath: string) => ({ valueFrom: { fieldRef: { fieldPath } } })
  const amount = (resource: string, divisor?: string) => ({ valueFrom: { resourceFieldRef: { resource, divisor } } })
  const resources = { requests: { cpu: '250m', memory: '64Mi' }, limits: { cpu: '500m' } }

  cases(
    [
      { name: 'answers for the name', from: field('metadata.name'), want: 'web' },
      { name: 'answers for the namespace', from: field('metadata.namespace'), want: 'default' },
      { name: 'answers for the uid', from: field('metadata.uid'), want: 'uid-1' },
      { name: 'answers for one label', from: field("metadata.labels['app']"), want: 'shop' },
      { name: 'says nothing of a missing label', from: field("metadata.labels['tier']"), want: '' },
      { name: 'answers for one annotation', from: field("metadata.annotations['example.com/a']"), want: 'b' },
      { name: 'answers for the node', from: field('spec.nodeName'), want: 'n1' },
      { name: 'answers for the service account', from: field('spec.serviceAccountName'), want: 'robot' },
      { name: 'answers for the host IP', from: field('status.hostIP'), want: '192.0.2.1' },
      { name: 'joins the host IPs', from: field('status.hostIPs'), want: '192.0.2.1,2001:db8::1' },
      { name: 'answers for the Pod IP', from: field('status.podIP'), want: '10.244.0.2' },
      { name: 'rounds cpu up to whole ones', from: amount('limits.cpu'), want: '1' },
      { name: 'divides cpu', from: amount('limits.cpu', '1m'), want: '500' },
      { name: 'answers for a request', from: amount('requests.cpu', '1m'), want: '250' },
      { name: 'divides memory', from: amount('requests.memory', '1Mi'), want: '64' },
      { name: 'takes what the node has where no limit is set', from: amount('limits.memory', '1Gi'), want: '8' },
      { name: 'takes zero where no request is set', from: amount('requests.ephemeral-storage'), want: '0' },
    ],
    async ({ from, want }) => {
      const container = { name: 'main', image: 'i', resources, env: [{ name: 'X', ...from }] }
      const spec = { containers: [container], nodeName: 'n1', serviceAccountName: 'robot' }
      const pod = samplePod(spec, { labels: { app: 'shop' }, annotations: { 'example.com/a': 'b' } })
      assert.deepEqual(await envOf(pod), { X: want })
    },
  )

  it('lets env win over envFrom, later over earlier, and expands what came before', async () => {
    const env = [
      { name: 'COLOR', value: 'blue' },
      { name: 'BOTH', value: '$(COLOR)-$(P_USER)-$(LATER)-$$(COLOR)' },
      { name: 'LATER', value: '1' },
    ]
    const envFrom = [{ configMapRef: { name: 'settings' } }, { prefix: 'P_', secretRef: { name: 'login' } }]
    const sources = sourcesOf()
    assert.deepEqual(await envOf(samplePodWith({ env, envFrom }), sources), {
      COLOR: 'blue',
      'log.level': 'info',
      P_USER: 'ada',
      BOTH: 'blue-ada-$(LATER)-$(COLOR)',
      LATER: '1',
    })
    assert.deepEqual(sources.told, [
      'web|Warning|InvalidEnvironmentVariableNames|Keys [1st] from the EnvFrom configMap default/settings were skipped since they are considered invalid environment variable names.',
    ])
  })

  const key = (kind: string, name: string, of: string, optional?: boolean) => ({
    env: [{ name: 'X', valueFrom: { [`${kind}KeyRef`]: { name, key: of, optional } } }],
  })
  cases(
    [
      { name: 'reads a key of a ConfigMap', fields: key('configMap', 'settings', 'COLOR'), want: { X: 'red' } },
      { name: 'reads a key of a Secret', fields: key('secret', 'login', 'USER'), want: { X: 'ada' } },
      { name: 'skips an optional key', fields: key('secret', 'login', 'nope', true), want: {} },
      { name: 'skips an optional object', fields: key('configMap', 'nope', 'k', true), want: {} },
      { name: 'skips an optional envFrom', fields: { envFrom: [{ secretRef: { name: 'nope', optional: true } }] }, want: {} },
    ],
    async ({ fields, want }) => assert.deepEqual(await envOf(samplePodWith(fields)), want),
  )
  cases(
    [
      { name: 'misses a ConfigMap', fields: key('configMap', 'x', 'k'), want: 'configmap "x" not found' },
      { name: 'misses a Secret', fields: { envFrom: [{ secretRef: { name: 'x' } }] }, want: 'secret "x" not found' },
      {
        name: 'misses a key of a ConfigMap',
        fields: key('configMap', 'settings', 'k'),
        want: "couldn't find key k in ConfigMap default/settings",
      },
      {
        name: 'misses a key of a Secret',
        fields: key('secret', 'login', 'k'),
        want: "couldn't find key k in Secret default/login",
      },
      {
        name: 'refuses a field it does not know',
        fields: { env: [{ name: 'X', ...field('spec.priority') }] },
        want: 'unsupported fieldPath: spec.priority',
      },
    ],
    async ({ fields, want }) =>
      assert.rejects(envOf(samplePodWith(fields)), (error: Error) => {
        assert.deepEqual({ name: error.name, message: error.message }, { name: 'ConfigError', message: want })
        return true
      }),
  )

  const apiServer = { host: '10.244.0.1', port: 6443 }
  const kubernetes = {
    KUBERNETES_SERVICE_HOST: '10.244.0.1',
    KUBERNETES_SERVICE_PORT: '6443',
    KUBERNETES_SERVICE_PORT_HTTPS: '6443',
    KUBERNETES_PORT: 'tcp://10.244.0.1:6443',
    KUBERNETES_PORT_6443_TCP: 'tcp://10.244.0.1:6443',
    KUBERNETES_PORT_6443_TCP_PROTO: 'tcp',
    KUBERNETES_PORT_6443_TCP_PORT: '6443',
    KUBERNETES_PORT_6443_TCP_ADDR: '10.244.0.1',
  }
  const shop = Service.decode(
    { metadata: { name: 'my-shop' }, spec: { clusterIP: '10.0.0.9', ports: [{ port: 80 }] } },
    { unknown: [] },
  )
  const headless = Service.decode(
    { metadata: { name: 'peers' }, spec: { clusterIP: 'None', ports: [{ port: 1 }] } },
    { unknown: [] },
  )
  const services = [shop, headless]

  it('links the Services that have an address', async () => {
    const env = await envOf(
      samplePodWith({ env: [{ name: 'URL', value: '$(MY_SHOP_PORT)' }] }),
      sourcesOf({ apiServer, services }),
    )
    assert.deepEqual(env, {
      URL: 'tcp://10.0.0.9:80',
      MY_SHOP_SERVICE_HOST: '10.0.0.9',
      MY_SHOP_SERVICE_PORT: '80',
      MY_SHOP_PORT: 'tcp://10.0.0.9:80',
      MY_SHOP_PORT_80_TCP: 'tcp://10.0.0.9:80',
      MY_SHOP_PORT_80_TCP_PROTO: 'tcp',
      MY_SHOP_PORT_80_TCP_PORT: '80',
      MY_SHOP_PORT_80_TCP_ADDR: '10.0.0.9',
      ...kubernetes,
    })
  })

  it('names the API server even without service links, unless the container says otherwise', async () => {
    const pod = samplePodWith({ env: [{ name: 'KUBERNETES_SERVICE_HOST', value: 'mine' }] }, { enableServiceLinks: false })
    const want = { ...kubernetes, KUBERNETES_SERVICE_HOST: 'mine' }
    assert.deepEqual(await envOf(pod, sourcesOf({ apiServer, services })), want)
  })
})
