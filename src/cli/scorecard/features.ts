// What works on a handler and what does not: each feature is used, and what comes of it is looked at.
import { connect, createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { ConfigMap } from '../../api/core/config-map.ts'
import { PodMetrics, sandboxUsageAnnotation } from '../../api/metrics/resource-metrics.ts'
import { milliValueOf } from '../../api/quantity.ts'
import { isAlreadyExists } from '../../api/status.ts'
import type { Feature, FeatureName } from './model.ts'
import {
  endOf,
  isOver,
  isReady,
  isRunning,
  messageOf,
  removePod,
  scorecardNamespace,
  type ScoreWorld,
  startPod,
  whenPod,
} from './pods.ts'
import { busyScript } from './workload.ts'

export interface FeatureWorld {
  world: ScoreWorld
  className: string
  /** Begins the names of its Pods. */
  prefix: string
}

/** Returns what was seen; throws what went wrong. */
type Check = (options: FeatureWorld) => Promise<string>

/** Not before it is needed: every command of the CLI would load WebSockets. */
const streams = () => import('../../client/pod-streams.ts')

const web = (prefix: string) => ({ namespace: scorecardNamespace, name: `${prefix}-web` })

/** One after the other: on a small machine they would slow each other down until probes fail. */
export async function checkFeatures(options: FeatureWorld): Promise<Feature[]> {
  const { world, prefix } = options
  const found: Feature[] = []
  try {
    for (const [name, check] of checks) if (!world.signal.aborted) found.push(await outcome(name, () => check(options)))
  } finally {
    await removePod(world, web(prefix).name)
  }
  return found
}

async function outcome(name: FeatureName, check: () => Promise<string>): Promise<Feature> {
  try {
    return { name, works: true, why: await check() }
  } catch (error) {
    return { name, works: false, why: error instanceof Error ? error.message : String(error) }
  }
}

const webScript = 'mkdir -p /tmp/www; echo it works > /tmp/www/index.html; exec httpd -f -p 8080 -h /tmp/www'
const often = { periodSeconds: 1, timeoutSeconds: 5, failureThreshold: 10 }

/** Its Pod stays for exec and port-forward. */
async function probes({ world, className, prefix }: FeatureWorld): Promise<string> {
  const container = {
    startupProbe: { httpGet: { path: '/index.html', port: 8080 }, ...often },
    livenessProbe: { tcpSocket: { port: 8080 }, ...often },
    readinessProbe: { exec: { command: ['test', '-f', '/tmp/www/index.html'] }, ...often },
  }
  const { name } = web(prefix)
  await startPod(world, { name, className, script: webScript, container })
  const pod = await whenPod(world, name, isReady)
  const restarts = pod.status.containerStatuses?.[0]?.restartCount ?? 0
  if (restarts > 0) throw new Error(`it was restarted ${restarts} times`)
  return 'HTTP, TCP and exec probes succeed'
}

async function exec({ world, prefix }: FeatureWorld): Promise<string> {
  await whenPod(world, web(prefix).name, isRunning)
  const { execInPod } = await streams()
  const { stdout, stderr, exitCode } = await execInPod(world.target, web(prefix), ['cat', '/tmp/www/index.html'])
  if (exitCode !== 0 || stdout !== 'it works\n') throw new Error(`exit code ${exitCode}: ${stdout}${stderr}`)
  return 'a command ran, with its output and exit code'
}

async function portForward({ world, prefix }: FeatureWorld): Promise<string> {
  await whenPod(world, web(prefix).name, isRunning)
  const request = 'GET /index.html HTTP/1.0\r\n\r\n'
  const enough = (text: string) => text.includes('it works')
  const { throughPodPort } = await streams()
  const answer = await throughPodPort(world.target, web(prefix), { port: 8080, request, enough })
  if (!enough(answer)) throw new Error(`the answer was ${JSON.stringify(answer.slice(0, 100))}`)
  return 'an HTTP request was answered through it'
}

async function volumes({ world, className, prefix }: FeatureWorld): Promise<string> {
  const metadata = { name: 'conf', namespace: scorecardNamespace }
  await world.client
    .create(ConfigMap, ConfigMap.decode({ metadata, data: { key: 'value' } }, { unknown: [] }))
    .catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error
    })
  const mounts = [{ name: 'share', mountPath: '/share' }]
  const { image } = world
  const init = { name: 'init', image, command: ['/bin/sh', '-c', 'echo first > /share/file'], volumeMounts: mounts }
  const message = await messageOf(world, {
    ...{ name: `${prefix}-volumes`, className },
    script: 'cat /share/file /conf/key > /dev/termination-log; echo no > /conf/key && exit 1; exit 0',
    spec: {
      initContainers: [init],
      volumes: [
        { name: 'share', emptyDir: {} },
        { name: 'conf', configMap: { name: 'conf' } },
      ],
    },
    container: { volumeMounts: [...mounts, { name: 'conf', mountPath: '/conf', readOnly: true }] },
  })
  if (message !== 'first\nvalue') throw new Error(`read ${JSON.stringify(message)}`)
  return 'emptyDir is shared between containers, a ConfigMap is read-only'
}

async function hostNetwork({ world, className, prefix }: FeatureWorld): Promise<string> {
  const port = await freePort()
  const name = `${prefix}-hostnet`
  const script = `for i in 1 2 3; do echo from the node | nc -l -p ${port}; done`
  try {
    await startPod(world, { name, className, script, spec: { hostNetwork: true } })
    await whenPod(world, name, isRunning)
    for (let tries = 0; ; tries++) {
      const answer = await dial(world, port).catch((error: Error) => error)
      if (answer === 'from the node\n') return `a port of the container is one of the node's loopback`
      if (tries === 20) throw new Error(`a port it listens at is not on the node: ${String(answer)}`)
      await world.clock.sleep(100)
    }
  } finally {
    await removePod(world, name)
  }
}

async function userNamespace({ world, className, prefix }: FeatureWorld): Promise<string> {
  const script = 'cat /proc/self/uid_map > /dev/termination-log'
  const message = await messageOf(world, { name: `${prefix}-userns`, className, script, spec: { hostUsers: false } }, 8000)
  const [inside, outside, count] = message.trim().split(/\s+/)
  if (inside !== '0' || outside === '0' || outside === undefined)
    throw new Error(`root of the container is uid ${outside} of the node`)
  return `root of the container is uid ${outside} of the node (${count} ids)`
}

const tooMuch = 'awk "BEGIN { s = \\"x\\"; while (length(s) < 200000000) s = s s; print length(s) }"'

async function memoryLimit({ world, className, prefix }: FeatureWorld): Promise<string> {
  const name = `${prefix}-memory`
  const container = { resources: { limits: { memory: '64Mi' } } }
  try {
    await startPod(world, { name, className, script: `exec ${tooMuch}`, container })
    const pod = await whenPod(world, name, isOver)
    const end = endOf(pod)
    if (pod.status.phase === 'Succeeded') throw new Error('it used 256Mi with a limit of 64Mi')
    return `it was killed (${end?.reason ?? pod.status.reason ?? 'no reason'}, exit code ${end?.exitCode ?? 'unknown'})`
  } finally {
    await removePod(world, name)
  }
}

const cpuLimitMilli = 200
const busyForMs = 3000

async function cpuLimit({ world, className, prefix }: FeatureWorld): Promise<string> {
  const name = `${prefix}-cpu`
  try {
    const container = { resources: { limits: { cpu: `${cpuLimitMilli}m` } } }
    await startPod(world, { name, className, script: busyScript, container })
    await whenPod(world, name, isRunning)
    // the first look begins the time over which the second one tells
    await podCpuMilli(world, name)
    await world.clock.sleep(busyForMs, world.signal)
    const used = await podCpuMilli(world, name)
    if (used === undefined) throw new Error('nobody counts its CPU')
    if (used > cpuLimitMilli * 1.5) throw new Error(`a busy loop uses ${used}m with a limit of ${cpuLimitMilli}m`)
    return `a busy loop uses ${used}m with a limit of ${cpuLimitMilli}m`
  } finally {
    await removePod(world, name)
  }
}

/** Containers and sandbox together: some runtimes count the one as the other. */
async function podCpuMilli({ client }: ScoreWorld, name: string): Promise<number | undefined> {
  const { items } = await client.list(PodMetrics, { namespace: scorecardNamespace })
  const found = items.find(({ metadata }) => metadata.name === name)
  if (!found) return undefined
  const sandbox = JSON.parse(found.metadata.annotations?.[sandboxUsageAnnotation] ?? '{}') as { cpu?: string }
  const all = [...found.containers.map(({ usage }) => usage.cpu), sandbox.cpu]
  return all.reduce((sum, cpu) => sum + Number(milliValueOf(cpu ?? '0')), 0)
}

const checks: readonly (readonly [FeatureName, Check])[] = [
  ['probes', probes],
  ['exec', exec],
  ['port-forward', portForward],
  ['hostNetwork', hostNetwork],
  ['user namespace', userNamespace],
  ['volumes', volumes],
  ['memory limit', memoryLimit],
  ['CPU limit', cpuLimit],
]

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function dial({ clock }: ScoreWorld, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect(port, '127.0.0.1', () => socket.end())
    const cancel = clock.after(2000, () => socket.destroy(new Error('no answer')))
    socket.on('close', cancel)
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
}
