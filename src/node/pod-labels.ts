// Labels and annotations by which what runs is found again, spelled as upstream kubelets spell them.
import type { Pod } from '../api/core/pod.ts'

export const podNameLabel = 'io.kubernetes.pod.name'
export const podNamespaceLabel = 'io.kubernetes.pod.namespace'
export const podUidLabel = 'io.kubernetes.pod.uid'
export const containerNameLabel = 'io.kubernetes.container.name'

export const hashAnnotation = 'io.kubernetes.container.hash'
export const restartCountAnnotation = 'io.kubernetes.container.restartCount'
export const messagePathAnnotation = 'io.kubernetes.container.terminationMessagePath'
export const messagePolicyAnnotation = 'io.kubernetes.container.terminationMessagePolicy'
export const gracePeriodAnnotation = 'io.kubernetes.pod.terminationGracePeriod'

export const uidOf = (pod: Pod): string => pod.metadata.uid ?? ''

export const podLabels = (pod: Pod): Record<string, string> => ({
  [podNameLabel]: pod.metadata.name,
  [podNamespaceLabel]: pod.metadata.namespace ?? '',
  [podUidLabel]: uidOf(pod),
})

/** The Pod's directory of container logs, within the node's. */
export const logDirectoryName = (pod: Pod): string => `${pod.metadata.namespace ?? ''}_${pod.metadata.name}_${uidOf(pod)}`
