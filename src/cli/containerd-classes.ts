// A configuration against the RuntimeClasses and nodes of a cluster: who names what is not there.
import type { Node } from '../api/core/node.ts'
import { untolerated } from '../api/core/tolerates.ts'
import type { RuntimeClass } from '../api/node/runtime-class.ts'
import { type EffectiveConfig, runtimeTable } from '../containerd/effective-config.ts'
import type { Finding } from '../containerd/finding.ts'

export interface ClusterFacts {
  classes: readonly RuntimeClass[]
  nodes: readonly Node[]
}

/** Nodes that tell no handlers (their containerd is older than 2.0) are not held against a class. */
export function classFindings(config: EffectiveConfig, { classes, nodes }: ClusterFacts): Finding[] {
  const named = new Set(classes.map(({ handler }) => handler))
  const unnamed = config.runtimes.filter(({ name }) => !named.has(name) && name !== config.defaultName)
  return [
    ...classes.flatMap((rc) => oneClass(rc, config, nodes)),
    ...unnamed.map(
      ({ name, place }): Finding => ({
        ...{ severity: 'note', code: 'handler-without-class', place, about: name },
        what: `no RuntimeClass names the handler "${name}"`,
        consequence: 'no Pod can ask for it',
        cure: `create a RuntimeClass with handler: ${name}`,
      }),
    ),
  ]
}

const handlersOf = (node: Node): string[] =>
  (node.status.runtimeHandlers ?? []).map(({ name }) => name).filter((name) => name !== '')
const nodeNames = (nodes: readonly Node[]): string => nodes.map(({ metadata }) => metadata.name).join(', ')

function oneClass(rc: RuntimeClass, config: EffectiveConfig, nodes: readonly Node[]): Finding[] {
  const { handler } = rc
  const telling = nodes.filter((node) => handlersOf(node).length > 0)
  const holders = telling.filter((node) => handlersOf(node).includes(handler))
  const isHere = runtimeTable(config, handler) !== undefined
  const error = (
    code: string,
    text: Pick<Finding, 'what' | 'consequence' | 'cure'>,
    severity: Finding['severity'] = 'error',
  ): Finding[] => [{ severity, code, about: rc.metadata.name, ...text }]
  if (!isHere && holders.length === 0)
    return error('class-without-handler', {
      what: `RuntimeClass "${rc.metadata.name}" names the handler "${handler}", which is not here${telling.length > 0 ? ' nor on any node that tells' : ''}`,
      consequence: `its Pods are bound and then wait for ever: no runtime for "${handler}" is configured`,
      cure: `add the handler (polypod containerd add ${handler} --runtime-type …), or delete the class`,
    })
  const wanted = Object.entries(rc.scheduling?.nodeSelector ?? {})
  const isSelected = (node: Node) => wanted.every(([key, value]) => node.metadata.labels?.[key] === value)
  // without a node that tells, any node may have it
  const possible = telling.length > 0 ? holders : nodes
  if (possible.length > 0 && !possible.some(isSelected))
    return error('class-selects-no-handler', {
      what: `the scheduling of RuntimeClass "${rc.metadata.name}" selects ${telling.length > 0 ? `none of the nodes that have "${handler}" (${nodeNames(holders)})` : 'no node at all'}`,
      consequence: 'its Pods stay Pending: no node fits',
      cure: `label such a node ${wanted.map(([key, value]) => `${key}=${value}`).join(',')}, or change scheduling.nodeSelector`,
    })
  return [...taintFindings(rc, possible.filter(isSelected), error), ...strayFindings(rc, telling.filter(isSelected), error)]
}

type Report = (code: string, text: Pick<Finding, 'what' | 'consequence' | 'cure'>, severity?: Finding['severity']) => Finding[]

function taintFindings(rc: RuntimeClass, nodes: readonly Node[], report: Report): Finding[] {
  const tolerations = rc.scheduling?.tolerations ?? []
  const barred = nodes.map((node) => ({
    node,
    taint: untolerated(
      (node.spec?.taints ?? []).filter((t) => t.effect !== 'PreferNoSchedule'),
      tolerations,
    ),
  }))
  if (nodes.length === 0 || barred.some(({ taint }) => taint === undefined)) return []
  const taint = barred[0]?.taint
  const text = {
    what: `RuntimeClass "${rc.metadata.name}" tolerates none of the nodes that have "${rc.handler}" (${nodeNames(nodes)})`,
    consequence: 'only Pods that bring a toleration of their own find a node',
    cure: `add a toleration for ${taint?.key} to its scheduling.tolerations`,
  }
  return report('class-tolerates-no-handler', text, 'warning')
}

/** Nodes its Pods may be bound to although they cannot run there. */
function strayFindings(rc: RuntimeClass, selected: readonly Node[], report: Report): Finding[] {
  const without = selected.filter((node) => !handlersOf(node).includes(rc.handler))
  if (without.length === 0) return []
  const text = {
    what: `RuntimeClass "${rc.metadata.name}" also selects nodes without "${rc.handler}": ${nodeNames(without)}`,
    consequence: "the upstream scheduler does not look at handlers: Pods bound there wait for ever (Polypod's does look)",
    cure: `give its scheduling a nodeSelector that only nodes with "${rc.handler}" match`,
  }
  return report('class-selects-without-handler', text, 'warning')
}
