// Where a containerd of this configuration serves CRI, and its own API.
import { textAt } from './config-tree.ts'
import type { EffectiveConfig } from './effective-config.ts'

/** Absolute path. */
export function criSocket({ root }: EffectiveConfig): string {
  const said = textAt(root, 'plugins', 'io.containerd.server.v1.grpc', 'address') || textAt(root, 'grpc', 'address')
  return (said || '/run/containerd/containerd.sock').replace(/^unix:\/\//, '')
}
