// What upstream's default scheduler does, as far as we have it: the list.
import { interPodAffinity } from './filters/inter-pod-affinity.ts'
import { nodeAffinity } from './filters/node-affinity.ts'
import { nodeName } from './filters/node-name.ts'
import { nodePorts } from './filters/node-ports.ts'
import { nodeUnschedulable } from './filters/node-unschedulable.ts'
import { resourcesFit } from './filters/resources-fit.ts'
import { taintToleration } from './filters/taint-toleration.ts'
import { topologySpread } from './filters/topology-spread.ts'
import type { Profile } from './profile.ts'
import { balancedAllocation } from './scores/balanced-allocation.ts'
import { podAffinityWishes } from './scores/inter-pod-affinity.ts'
import { leastAllocated } from './scores/least-allocated.ts'
import { preferredNodeAffinity } from './scores/node-affinity.ts'
import { softTaints } from './scores/taint-toleration.ts'
import { spreadWishes } from './scores/topology-spread.ts'

export const upstreamProfile: Profile = {
  name: 'upstream',
  filters: [
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity,
    nodePorts,
    resourcesFit,
    topologySpread,
    interPodAffinity,
  ],
  scores: [
    { score: softTaints, weight: 3 },
    { score: preferredNodeAffinity, weight: 2 },
    { score: spreadWishes, weight: 2 },
    { score: podAffinityWishes, weight: 2 },
    { score: leastAllocated, weight: 1 },
    { score: balancedAllocation, weight: 1 },
  ],
}
