// Where everything of one containerd instance lies; all of it follows from the data directory.
import { createHash } from 'node:crypto'
import { join, resolve } from 'node:path'

export interface InstancePaths {
  /** Ten hex digits of the data directory's path. */
  id: string
  /** Under the data directory: survives a reboot. */
  dir: string
  root: string
  config: string
  log: string
  bin: string
  cniConf: string
  cniState: string
  /** Under /run: sockets, which must have short paths (108 bytes), and what a reboot ends. */
  run: string
  state: string
  socket: string
  process: string
  bridge: string
  network: string
}

export const runRoot = '/run/polypod'

export function instancePaths(dataDir: string): InstancePaths {
  const id = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 10)
  const dir = join(resolve(dataDir), 'containerd')
  const run = join(runRoot, id)
  return {
    id,
    dir,
    root: join(dir, 'root'),
    config: join(dir, 'config.toml'),
    log: join(dir, 'containerd.log'),
    bin: join(dir, 'bin'),
    cniConf: join(dir, 'cni'),
    cniState: join(dir, 'cni-state'),
    run,
    state: join(run, 'state'),
    socket: join(run, 'containerd.sock'),
    process: join(run, 'process.json'),
    // Linux allows 15 characters
    bridge: `pp-${id}`,
    network: `polypod-${id}`,
  }
}

/** What one data directory calls its own outside of it: the cgroup of its Pods, and the mark on its sandboxes in a runtime others use too. */
export const instanceName = (dataDir: string): string => `polypod-${instancePaths(dataDir).id}`
