// What every main command needs first: npm packages as locked, and (as root on Debian or Ubuntu) the system packages that are missing.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '..')

/** True when `binary` is on PATH or in a folder Debian keeps such things in. */
export function have(binary) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/lib/cni', '/opt/cni/bin']
  return folders.some((folder) => folder !== '' && existsSync(join(folder, binary)))
}

/** Where `npm run gvisor` puts what it builds: the same as builtFolder() of src/node/containerd/binaries.ts. */
export const builtFolder = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'polypod', 'bin')

export const haveGvisor = () =>
  ['runsc', 'containerd-shim-runsc-v1'].every((name) => have(name) || existsSync(join(builtFolder, name)))

/** Runs a command with its output kept; throws with that output when it fails. */
function run(command, args, { env = {}, cwd = root } = {}) {
  const done = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
  })
  if (done.error) throw new Error(`${command}: ${done.error.message}`)
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${done.stdout}${done.stderr}`)
}

/** Installs node_modules when they are missing or older than the lock file. Returns whether it had to. */
export function installNpmPackages() {
  const marker = join(root, 'node_modules', '.package-lock.json')
  const fresh = existsSync(marker) && statSync(marker).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
  if (fresh) return false
  // not `npm ci`: it refuses a lock file that lacks a platform's optional package, which some registries do not carry
  run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'])
  return true
}

const wanted = [
  { binary: 'containerd', package: 'containerd' },
  { binary: 'runc', package: 'runc' },
  { binary: 'crun', package: 'crun' },
  { binary: 'host-local', package: 'containernetworking-plugins' },
  { binary: 'busybox', package: 'busybox-static' },
  { binary: 'iptables', package: 'iptables' },
  { binary: 'ip', package: 'iproute2' },
  { binary: 'ps', package: 'procps' },
  { binary: 'kubectl', package: 'kubernetes-client' },
]

const isDebian = () =>
  existsSync('/etc/os-release') && /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))

/**
 * Installs what is missing of containerd and its companions. Returns { installed, missing, why }: `missing` is what the machine
 * still lacks and `why` says it in one line; nothing is installed without root, apt and Debian or Ubuntu.
 */
export function installSystemPackages() {
  const lacking = () => wanted.filter(({ binary }) => !have(binary)).map((item) => item.package)
  const before = lacking()
  if (before.length === 0) return { installed: [], missing: [], why: '' }
  if (process.getuid?.() !== 0) return { installed: [], missing: before, why: 'not root' }
  if (!isDebian() || !have('apt-get')) return { installed: [], missing: before, why: 'not Debian or Ubuntu' }
  const quiet = { env: { DEBIAN_FRONTEND: 'noninteractive' } }
  try {
    run('apt-get', ['update', '-qq'], quiet)
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...before], quiet)
  } catch (error) {
    return { installed: [], missing: lacking(), why: String(error.message).split('\n')[0] }
  }
  return { installed: before, missing: lacking(), why: '' }
}

/**
 * Path of Debian's own kubectl (1.20 on Debian 12), which speaks SPDY only, unpacked beside whatever kubectl is installed:
 * tests run both. Undefined where it cannot be had.
 */
export function oldKubectl() {
  const folder = join(root, 'node_modules', '.cache', 'kubectl-debian')
  const path = join(folder, 'usr', 'bin', 'kubectl')
  if (existsSync(path)) return path
  if (!isDebian() || !have('apt-get') || !have('dpkg')) return undefined
  try {
    mkdirSync(folder, { recursive: true })
    run('apt-get', ['download', '-qq', 'kubernetes-client'], { cwd: folder })
    const [archive] = readdirSync(folder).filter((name) => name.endsWith('.deb'))
    run('dpkg', ['-x', archive, folder], { cwd: folder })
    rmSync(join(folder, archive))
    return existsSync(path) ? path : undefined
  } catch {
    return undefined
  }
}
