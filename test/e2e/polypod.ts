// The built CLI and clusters made with it, for tests; each cluster has a data directory of its own and is gone with its test.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ClusterStatus } from '../../src/cli/status.ts'
import { findBinaries } from '../../src/node/containerd/binaries.ts'

export const polypodPath = resolve(import.meta.dirname, '..', '..', 'bin', 'polypod')

export interface Done {
  code: number
  stdout: string
  stderr: string
}

/** Runs a command to its end; never rejects because of what it exits with. */
export function run(
  command: string,
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Done> {
  return new Promise((done) => {
    const env = { ...process.env, ...options.env }
    const child = execFile(command, [...args], { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      done({ code, stdout, stderr })
    })
    child.stdin?.on('error', () => {})
    child.stdin?.end(options.input ?? '')
  })
}

export const polypod = (...args: string[]): Promise<Done> => run(polypodPath, args)

export interface CliCluster extends AsyncDisposable {
  dataDir: string
  kubeconfig: string
  status(): Promise<ClusterStatus>
  /** Rejects with kubectl's own words when it fails. `input` goes to its stdin. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  up(...flags: string[]): Promise<Done>
  down(...flags: string[]): Promise<Done>
}

/** `polypod up --detach` with these flags, on a free port; its data directory is made in `parent`. */
export async function cliCluster(flags: readonly string[], kubectlPath = 'kubectl', parent = tmpdir()): Promise<CliCluster> {
  const dataDir = await mkdtemp(join(parent, 'polypod-e2e-'))
  const kubeconfig = join(dataDir, 'kubeconfig')
  const cluster: CliCluster = {
    dataDir,
    kubeconfig,
    status: async () => JSON.parse((await polypod('status', '-o', 'json', '--data-dir', dataDir)).stdout) as ClusterStatus,
    async kubectl(args, input = '') {
      const { code, stdout, stderr } = await run(kubectlPath, ['--kubeconfig', kubeconfig, ...args], { input })
      if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr || stdout}`)
      return stdout
    },
    up: (...more) => polypod('up', '--detach', '--data-dir', dataDir, ...more),
    down: (...more) => polypod('down', '--data-dir', dataDir, ...more),
    async [Symbol.asyncDispose]() {
      const down = () => polypod('down', '--purge', '--data-dir', dataDir)
      let done = await down()
      // a failure of the test's surroundings (a build under way) must not leave a cluster behind
      if (done.code !== 0) done = await down()
      if (done.code !== 0) throw new Error(`polypod down: ${done.stderr}`)
      await rm(dataDir, { recursive: true, force: true })
    },
  }
  const { code, stderr } = await cluster.up('--port', '0', ...flags)
  if (code === 0) return cluster
  await cluster[Symbol.asyncDispose]()
  throw new Error(`polypod up: ${stderr}`)
}

/** Why containers cannot be run here; undefined when they can. */
export async function whyNoContainers(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux'
  const wanted = ['containerd', 'ctr', 'runc', 'busybox']
  const found = await findBinaries(wanted)
  const missing = wanted.filter((name) => !found.has(name))
  return missing.length > 0 ? `not installed: ${missing.join(', ')}` : undefined
}
