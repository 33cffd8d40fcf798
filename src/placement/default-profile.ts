// What our scheduler does: upstream's list and the runtime handler.
import { interPodAffinity } from './filters/inter-pod-affinity.ts'
import { nodeAffinity } from './filters/node-affinity.ts'
import { nodeName } from './filters/node-name.ts'
import { nodePorts } from './filters/node-ports.ts'
import { nodeUnschedulable } from './filters/node-unschedulable.ts'
import { resourcesFit } from './filters/resources-fit.ts'
import { runtimeHandler } from './filters/runtime-handler.ts'
import { taintToleration } from './filters/taint-toleration.ts'
import { topologySpread } from './filters/topology-spread.ts'
import type { Profile } from './profile.ts'
import { upstreamProfile } from './upstream-profile.ts'

export const defaultProfile: Profile = {
  name: 'default',
  filters: [
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity,
    runtimeHandler,
    nodePorts,
    resourcesFit,
    topologySpread,
    interPodAffinity,
  ],
  scores: upstreamProfile.scores,
}
