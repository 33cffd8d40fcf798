// Where a Pod's files lie under the kubelet's directory; names as the upstream kubelet gives them.
import { join, resolve } from 'node:path'

export type VolumePlugin = 'empty-dir' | 'configmap' | 'secret' | 'downward-api' | 'projected'

export interface PodPaths {
  dir: string
  etcHosts: string
  volumes: string
  /** Bind mounts that hold one path below a volume. */
  subPaths: string
  volume(plugin: VolumePlugin, name: string): string
  subPath(volume: string, container: string, index: number): string
  container(name: string): string
}

export const podsDirOf = (dataDir: string): string => resolve(dataDir, 'pods')

export function podPaths(dataDir: string, podUid: string): PodPaths {
  const dir = join(podsDirOf(dataDir), podUid)
  return {
    dir,
    etcHosts: join(dir, 'etc-hosts'),
    volumes: join(dir, 'volumes'),
    subPaths: join(dir, 'volume-subpaths'),
    volume: (plugin, name) => join(dir, 'volumes', `kubernetes.io~${plugin}`, name),
    subPath: (volume, container, index) => join(dir, 'volume-subpaths', volume, container, String(index)),
    container: (name) => join(dir, 'containers', name),
  }
}
