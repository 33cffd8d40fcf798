// Pods for tests of the kubelet's parts, decoded as the server decodes them, defaults included.
import { Pod } from '../api/core/pod.ts'

/** `spec` may leave out `containers`: there is one, `main`, then. */
export function samplePod(
  spec: Record<string, unknown> = {},
  metadata: Record<string, unknown> = {},
  status: Record<string, unknown> = {},
): Pod {
  const containers = [{ name: 'main', image: 'busybox:1' }]
  const named = { name: 'web', namespace: 'default', uid: 'uid-1', ...metadata }
  return Pod.decode({ metadata: named, spec: { containers, ...spec }, status }, { unknown: [] })
}

/** The first container with `fields` on top. */
export const samplePodWith = (fields: Record<string, unknown>, spec: Record<string, unknown> = {}): Pod =>
  samplePod({ containers: [{ name: 'main', image: 'busybox:1', ...fields }], ...spec })
