// What upstream's default scheduler does, as far as we have it: the list.
import { nodeAffinity } from './filters/node-affinity.ts'
import { nodeName } from './filters/node-name.ts'
import { nodePorts } from './filters/node-ports.ts'
import { nodeUnschedulable } from './filters/node-unschedulable.ts'
import { resourcesFit } from './filters/resources-fit.ts'
import { taintToleration } from './filters/taint-toleration.ts'
import type { Profile } from './profile.ts'
import { balancedAllocation } from './scores/balanced-allocation.ts'
import { leastAllocated } from './scores/least-allocated.ts'
import { preferredNodeAffinity } from './scores/node-affinity.ts'
import { softTaints } from './scores/taint-toleration.ts'

export const upstreamProfile: Profile = {
  name: 'upstream',
  filters: [nodeUnschedulable, nodeName, taintToleration, nodeAffinity, nodePorts, resourcesFit],
  scores: [
    { score: softTaints, weight: 3 },
    { score: preferredNodeAffinity, weight: 2 },
    { score: leastAllocated, weight: 1 },
    { score: balancedAllocation, weight: 1 },
  ],
}
