// GET /stats/summary of the kubelet: what a node and its Pods use, in upstream's shape.
import type { NodeStats, PodStats, Usage } from './pod-stats.ts'

/** `sandbox` is ours: usage of the Pod that no container has, which upstream mixes into the Pod's own. */
export function statsSummary(nodeName: string, { node, pods, at }: NodeStats) {
  const time = new Date(at).toISOString()
  const { capacityBytes, availableBytes, inodes, inodesFree } = node.fs
  return {
    node: {
      nodeName,
      ...usage(time, node),
      memory: { ...usage(time, node).memory, availableBytes: node.memoryAvailableBytes },
      fs: { time, capacityBytes, availableBytes, inodes, inodesFree },
      rlimit: { time, maxpid: node.pids.max, curproc: node.pids.current },
    },
    pods: pods.map((pod) => podSummary(time, pod)),
  }
}

export type StatsSummary = ReturnType<typeof statsSummary>

const podSummary = (time: string, { namespace, name, uid, containers, sandbox, processes, ...own }: PodStats) => ({
  podRef: { name, namespace, uid },
  containers: containers.map((container) => ({ name: container.name, ...usage(time, container) })),
  ...usage(time, own),
  sandbox: usage(time, sandbox),
  process_stats: { process_count: processes },
})

const usage = (time: string, { cpuNanoseconds, memoryWorkingSetBytes }: Usage) => ({
  cpu: { time, usageCoreNanoSeconds: cpuNanoseconds },
  memory: { time, workingSetBytes: memoryWorkingSetBytes },
})
