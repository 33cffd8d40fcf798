// What a Pod gets from its node, seen from inside real containers: env, volumes, hosts, probes, hooks, cgroup.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { ConfigMap } from '../../src/api/core/config-map.ts'
import { Pod } from '../../src/api/core/pod.ts'
import { mountsUnder } from '../../src/node/volume/mount-table.ts'
import { unmountAllVolumes } from '../../src/node/volumes.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { cgroupRoot, containerdLife, type Life, openLife } from './pod-life-world.ts'
import { testedHandlers, whyNotOn } from './real-handlers.ts'

for (const handler of testedHandlers) {
  const why = await whyNotOn(handler)
  describe.skipIf(why !== undefined)(`parts of a Pod on ${handler}${why ? ` (skipped: ${why})` : ''}`, () => partsOn(handler))
}

function partsOn(handler: string): void {
  let life: Life
  beforeAll(async () => {
    life = await openLife(containerdLife(handler))
  })
  afterAll(async () => {
    // what a failed test left running must not keep the folder
    await life?.stopNode()
    await unmountAllVolumes(join(life.dataDir, 'node'), assert.fail)
    await life.close()
    assert.deepEqual(await mountsUnder(life.dataDir), [])
  })

  const isReady = (pod: Pod) => pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const idOf = (pod: Pod) => (pod.status.containerStatuses?.[0]?.containerID ?? '').replace(/^.*:\/\//, '')
  const run = async (name: string, container: object, spec: object = {}) => {
    await life.run(name, { containers: [{ name: 'main', image: life.image, command: ['sleep', '1000'], ...container }], ...spec })
    return life.until(name, isReady)
  }
  const sh = async (pod: Pod, script: string) => {
    const { stdout, stderr } = await life.runtime.execSync(idOf(pod), ['sh', '-c', script], 10)
    return Buffer.concat([stdout, stderr]).toString()
  }
  const metadata = { name: 'settings', namespace: 'default' }
  const configMap = (data: object) => ConfigMap.decode({ metadata, data }, { unknown: [] })

  it('shows env, expanded arguments, every kind of volume, and its hosts', async () => {
    await life.client.create(ConfigMap, configMap({ COLOR: 'red', 'app.conf': 'a=1' }))
    const pod = await run(
      'all',
      {
        command: ['sh', '-c'],
        args: ["echo 'started $(COLOR) $$(COLOR)' > /ram/started; sleep 1000"],
        envFrom: [{ configMapRef: { name: 'settings' } }],
        env: [
          { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
          { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
        ],
        resources: { limits: { memory: '64Mi' } },
        volumeMounts: [
          { name: 'ram', mountPath: '/ram' },
          { name: 'disk', mountPath: '/disk', subPathExpr: 'of-$(COLOR)' },
          { name: 'conf', mountPath: '/conf' },
          { name: 'conf', mountPath: '/etc/app.conf', subPath: 'app.conf' },
          { name: 'self', mountPath: '/self', readOnly: true },
        ],
      },
      {
        securityContext: { fsGroup: 4711 },
        hostAliases: [{ ip: '192.0.2.7', hostnames: ['seven.example'] }],
        volumes: [
          { name: 'ram', emptyDir: { medium: 'Memory', sizeLimit: '8Mi' } },
          { name: 'disk', emptyDir: {} },
          { name: 'conf', configMap: { name: 'settings', defaultMode: 0o440 } },
          {
            name: 'self',
            projected: {
              sources: [{ downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } }],
            },
          },
        ],
      },
    )
    assert.equal(await eventually(() => sh(pod, 'cat /ram/started')), 'started red $(COLOR)\n')
    assert.equal(await sh(pod, 'echo $IP $LIMIT $COLOR'), `${pod.status.podIP} 64 red\n`)
    assert.match(await sh(pod, 'df -k /ram | tail -n 1'), / 8192 .* \/ram$/m)
    // gVisor shows what its gofer serves, not what lies behind it
    if (handler !== 'gvisor') assert.match(await sh(pod, 'grep " /ram " /proc/mounts'), /^tmpfs \/ram tmpfs rw,.*size=8192k/)
    assert.equal(await sh(pod, 'cat /conf/app.conf /etc/app.conf'), 'a=1a=1')
    assert.equal(await sh(pod, 'stat -L -c "%a %g" /conf/app.conf /disk'), '440 4711\n2777 4711\n')
    assert.match(await sh(pod, 'echo x > /conf/new; echo x > /self/new'), /Read-only file system[^]*Read-only file system/)
    const hosts = await sh(pod, 'cat /etc/hosts')
    assert(hosts.includes(`${pod.status.podIP}\tall\n`) && hosts.includes('192.0.2.7\tseven.example\n'), hosts)

    await life.client.update(ConfigMap, { ...(await life.client.get(ConfigMap, metadata)), data: { 'app.conf': 'a=2' } })
    await eventually(async () => (await sh(pod, 'cat /conf/app.conf')) === 'a=2')
    // k8s: what is mounted by subPath stays as it was when the container started
    assert.equal(await sh(pod, 'cat /etc/app.conf; ls /conf'), 'a=1app.conf\n')
    const labels = { metadata: { labels: { tier: 'web' } } }
    await life.client.patch(Pod, { namespace: 'default', name: 'all' }, { type: 'merge', body: labels })
    await eventually(async () => (await sh(pod, 'cat /self/labels')) === 'tier="web"')
    // the node lets go of a Pod only when nothing of it is left
    await life.end('all')
    assert.deepEqual(await mountsUnder(join(life.dataDir, 'node')), [])
  })

  it('waits for a volume whose source is missing, and says so', async () => {
    const volumes = [{ name: 'conf', configMap: { name: 'later' } }]
    const containers = [{ name: 'main', image: life.image, command: ['sleep', '1000'] }]
    await life.run('waiting', { containers, volumes })
    const refusal = 'FailedMount: MountVolume.SetUp failed for volume "conf" : configmap "later" not found'
    await eventually(async () => (await life.events('waiting')).includes(refusal))
    await life.client.create(ConfigMap, { ...configMap({}), metadata: { ...metadata, name: 'later' } })
    await life.until('waiting', isReady)
    await life.end('waiting', 0)
  })

  it('probes over HTTP by named port, and restarts what fails', async () => {
    const probe = { httpGet: { path: '/ok', port: 'web' }, periodSeconds: 1, failureThreshold: 1 }
    const serve = 'mkdir -p /www && echo fine > /www/ok && exec httpd -f -p 8080 -h /www'
    const pod = await run('served', {
      command: ['sh', '-c', serve],
      ports: [{ name: 'web', containerPort: 8080 }],
      startupProbe: { ...probe, failureThreshold: 30 },
      livenessProbe: probe,
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    })
    await sh(pod, 'rm /www/ok')
    const again = await life.until('served', (p) => isReady(p) && p.status.containerStatuses?.[0]?.restartCount === 1)
    assert.equal(again.status.containerStatuses?.[0]?.lastState.terminated?.containerID?.endsWith(idOf(pod)), true)
    const events = await life.events('served')
    assert(events.includes('Unhealthy: Liveness probe failed: HTTP probe failed with statuscode: 404'), events.join('\n'))
    assert(events.includes('Killing: Container main failed liveness probe, will be restarted'), events.join('\n'))
    await life.end('served', 0)
  })

  it('runs hooks, and kills a container whose postStart fails', async () => {
    const host = join(life.dataDir, 'hooked')
    const exec = (script: string) => ({ exec: { command: ['sh', '-c', script] } })
    const lifecycle = { postStart: exec('echo began > /out/began'), preStop: exec('echo ended > /out/ended') }
    const volumes = [{ name: 'out', hostPath: { path: host, type: 'DirectoryOrCreate' } }]
    await run('hooked', { lifecycle, volumeMounts: [{ name: 'out', mountPath: '/out' }] }, { volumes })
    assert.equal(await readFile(join(host, 'began'), 'utf8'), 'began\n')
    await life.end('hooked')
    assert.equal(await readFile(join(host, 'ended'), 'utf8'), 'ended\n')

    const containers = [{ name: 'main', image: life.image, command: ['sleep', '1000'], lifecycle: { postStart: exec('exit 3') } }]
    await life.run('failing', { containers, restartPolicy: 'Never' })
    await life.until('failing', (p) => p.status.phase === 'Failed')
    const events = await life.events('failing')
    assert(events.includes('FailedPostStartHook: PostStartHook failed'), events.join('\n'))
    await life.end('failing', 0)
  })

  it('tells the last words of a container', async () => {
    const script = 'printf bye > /dev/termination-log; exit 4'
    const containers = [{ name: 'main', image: life.image, command: ['sh', '-c', script] }]
    await life.run('last', { containers, restartPolicy: 'Never' })
    const pod = await life.until('last', (p) => p.status.phase === 'Failed')
    const { exitCode, message } = pod.status.containerStatuses?.[0]?.state.terminated ?? {}
    assert.deepEqual({ exitCode, message }, { exitCode: 4, message: 'bye' })
    await life.end('last', 0)
  })

  it('runs within a Pod cgroup that has the overhead in it, and leaves none', async () => {
    const resources = { limits: { cpu: '100m', memory: '100Mi' } }
    const pod = await run('sized', { resources }, { overhead: { cpu: '200m', memory: '140Mi' } })
    const { pid } = (await life.runtime.sandboxStatus(await sandboxOf(pod))).evidence
    const cgroups = await readFile(`/proc/${pid}/cgroup`, 'utf8')
    const at = (controller: string) =>
      /^0::(?<v2>.+)$/m.exec(cgroups.includes(`:${controller}:`) ? '' : cgroups)?.groups?.['v2'] ??
      new RegExp(`:${controller}:(?<v1>.+)$`, 'm').exec(cgroups)?.groups?.['v1'] ??
      ''
    const parent = `/${cgroupRoot}/kubepods/pod${pod.metadata.uid}`
    assert.equal(at('memory').startsWith(parent), true, cgroups)
    const isV1 = cgroups.includes(':memory:')
    const read = (controller: string, file: string) =>
      readFile(join('/sys/fs/cgroup', isV1 ? controller : '', parent, file), 'utf8').then((text) => text.trim())
    if (isV1) {
      assert.equal(await read('cpu', 'cpu.cfs_quota_us'), '30000')
      assert.equal(await read('memory', 'memory.limit_in_bytes'), '251658240')
    } else {
      assert.equal(await read('cpu', 'cpu.max'), '30000 100000')
      assert.equal(await read('memory', 'memory.max'), '251658240')
    }
    await life.end('sized')
    await assert.rejects(read('memory', 'cgroup.procs'), { code: 'ENOENT' })
  })

  const sandboxOf = async (pod: Pod) =>
    (await life.runtime.listSandboxes({ 'io.kubernetes.pod.uid': pod.metadata.uid ?? '' }))[0]?.id ?? ''
}
