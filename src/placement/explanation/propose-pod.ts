// What could be done about what is in a Pod's way, one kind of obstacle after the other.
import { ConfigMap } from '../../api/core/config-map.ts'
import { Pod } from '../../api/core/pod.ts'
import { Secret } from '../../api/core/secret.ts'
import type { AnyObject } from '../../api/kind.ts'
import { asWritten } from './as-written.ts'
import { type Operation, pointer, podStep, podStepInPlace, shellQuoted, type Step } from './change.ts'
import type { MissingConfig, UnmountableVolume } from './config-references.ts'
import { allOf, type Facts, namespaceOf } from './facts.ts'
import type { Observed } from './observed.ts'
import type { Blocker } from './outlook.ts'
import { proposeForAdmission } from './propose-admission.ts'
import { otherClasses } from './propose-class.ts'
import { proposeForNodes } from './propose-nodes.ts'
import { similarTo } from './similar.ts'

/** Candidates, none of them checked. */
export function propose(facts: Facts, blocker: Blocker): Step[] {
  switch (blocker.is) {
    case 'Admission':
      return proposeForAdmission(facts, blocker.refused)
    case 'Unplaced':
      return proposeForNodes(facts, blocker)
    case 'SchedulingGates':
      return [ungated(facts, blocker.gates)]
    case 'SchedulerName':
      return [scheduledByUs(facts, blocker.name)]
    case 'NodeRefuses':
    case 'NodeGone':
    case 'NodeNotReady':
      return elsewhere(facts)
    case 'Config':
      return configSteps(facts, blocker.missing)
    case 'UnmountableVolume':
      return [emptyInstead(facts, blocker.volume)]
    case 'Observed':
      return observedSteps(facts, blocker.observed)
    default:
      return []
  }
}

function ungated(facts: Facts, gates: readonly string[]): Step {
  const what = gates.length === 1 ? 'the scheduling gate' : 'the scheduling gates'
  const patch: Operation[] = [{ op: 'remove', path: '/spec/schedulingGates' }]
  const unchecked = 'whether what the gate waits for has happened'
  return podStepInPlace(facts, { summary: `remove ${what} ${gates.join(', ')}`, patch, unchecked })
}

function scheduledByUs(facts: Facts, name: string): Step {
  const { schedulerName } = facts
  return podStep(facts, {
    summary: `set schedulerName to ${schedulerName} instead of ${name}`,
    patch: [{ op: 'add', path: '/spec/schedulerName', value: schedulerName }],
  })
}

/** Anew, and wherever there is room. */
function elsewhere(facts: Facts): Step[] {
  const name = facts.pod.spec.nodeName
  if (facts.isCreated) return [podStep(facts, { summary: 'make the Pod anew', patch: [] })]
  return [podStep(facts, { summary: `remove nodeName: ${name}`, patch: [{ op: 'remove', path: '/spec/nodeName' }] })]
}

function configSteps(facts: Facts, missing: MissingConfig): Step[] {
  const { kind, name, isThere, path } = missing
  const namespace = namespaceOf(facts.pod)
  const names = (allOf(facts, kind as typeof ConfigMap) as readonly AnyObject[]).map(({ metadata }) => metadata.name)
  const field =
    path.endsWith('/secret') && path.startsWith('/spec/volumes') && !path.includes('/projected/') ? 'secretName' : 'name'
  const renamed = isThere
    ? []
    : similarTo(name, names).map((value) =>
        podStep(facts, {
          summary: `use ${kind.kind} ${value} instead of ${name} in ${missing.where}`,
          patch: [{ op: 'replace', path: `${path}/${field}`, value }],
        }),
      )
  const optional = podStep(facts, {
    summary: `let ${missing.where} do without it: optional: true`,
    patch: [{ op: 'add', path: `${path}/optional`, value: true }],
    cost: 1,
  })
  return [isThere ? withKeys(missing, namespace) : created(facts, missing, namespace), ...renamed, optional]
}

const filler = 'whether the values are the right ones: they are empty'
const emptyData = (keys: readonly string[]) => Object.fromEntries(keys.map((key) => [key, '']))

/** With every key that the Pod reads from it. */
function created(facts: Facts, { kind, name, keys }: MissingConfig, namespace: string): Step {
  const all = [...new Set([...keys, ...keysOf(asWritten(facts), kind, name)])]
  const metadata = { name, namespace }
  const word = kind.kind === 'Secret' ? 'secret generic' : 'configmap'
  const literals = all.map((key) => ` --from-literal=${key}=`).join('')
  const has = all.length === 0 ? '' : ` with ${all.join(', ')}`
  return {
    ...{ summary: `create ${kind.kind} ${name}${has}`, kind, name, namespace, cost: 1.5 },
    object: { apiVersion: kind.apiVersion, kind: kind.kind, metadata, data: emptyData(all) } as AnyObject,
    command: `kubectl create ${word} ${name} -n ${namespace}${literals}`,
    ...(all.length === 0 ? {} : { unchecked: filler }),
  }
}

function keysOf({ spec }: Pod, kind: MissingConfig['kind'], name: string): string[] {
  const refs = [...(spec.initContainers ?? []), ...spec.containers].flatMap(({ env = [] }) =>
    env.flatMap(({ valueFrom }) => (kind === Secret ? valueFrom?.secretKeyRef : valueFrom?.configMapKeyRef) ?? []),
  )
  return refs.filter((ref) => ref.name === name && !ref.optional).map(({ key }) => key)
}

function withKeys({ kind, name, keys }: MissingConfig, namespace: string): Step {
  const body = JSON.stringify({ data: emptyData(keys) })
  return {
    ...{ summary: `add ${keys.join(', ')} to ${kind.kind} ${name}`, kind, name, namespace, cost: 1.5, unchecked: filler },
    patch: keys.map((key) => ({ op: 'add', path: pointer('data', key), value: '' })),
    command: `kubectl patch ${kind.singular} ${name} -n ${namespace} --type merge -p ${shellQuoted(body)}`,
  }
}

const emptyInstead = (facts: Facts, { name, source, path }: UnmountableVolume): Step =>
  podStep(facts, {
    summary: `make volume "${name}" an emptyDir instead of a ${source}`,
    patch: [{ op: 'replace', path, value: { name, emptyDir: {} } }],
    unchecked: 'whether its data may go with the Pod',
  })

function observedSteps(facts: Facts, observed: Observed): Step[] {
  switch (observed.type) {
    case 'Image':
      return imageSteps(facts, observed)
    case 'Sandbox':
      return otherClasses(facts)
    case 'CrashLoop':
      return observed.reason === 'OOMKilled' ? moreMemory(facts, observed) : []
    case 'Failed':
      return facts.pod.spec.restartPolicy === 'Always' ? elsewhere(facts) : []
    default:
      return []
  }
}

const groups = ['containers', 'initContainers'] as const

function placeOf(pod: Pod, container: string | undefined) {
  for (const group of groups) {
    const at = (pod.spec[group] ?? []).findIndex(({ name }) => name === container)
    const found = pod.spec[group]?.[at]
    if (found) return { path: pointer('spec', group, at), found }
  }
  return undefined
}

const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '')

/** Images of the same repository that run somewhere; and a pull where none is allowed. */
function imageSteps(facts: Facts, { container, reason }: Observed): Step[] {
  const place = placeOf(asWritten(facts), container)
  if (!place) return []
  const { path, found } = place
  const { image = '' } = found
  const pull = {
    summary: `set imagePullPolicy of container "${container}" to IfNotPresent`,
    patch: [{ op: 'add' as const, path: `${path}/imagePullPolicy`, value: 'IfNotPresent' }],
    unchecked: `whether ${image} can be pulled`,
  }
  const running = runningImages(facts).filter((other) => other !== image && repositoryOf(other) === repositoryOf(image))
  const others = running.slice(0, 3).map((value) =>
    podStepInPlace(facts, {
      summary: `use image ${value}, which runs in this cluster, instead of ${image}`,
      patch: [{ op: 'replace', path: `${path}/image`, value }],
      unchecked: 'whether the node can pull it, and it does the same',
    }),
  )
  return [...others, ...(reason === 'ErrImageNeverPull' ? [podStep(facts, pull)] : [])]
}

/** As their Pods spell them. */
const runningImages = (facts: Facts): string[] => {
  const started = (pod: Pod) => new Set((pod.status.containerStatuses ?? []).filter((c) => c.imageID !== '').map((c) => c.name))
  const images = allOf(facts, Pod).flatMap((pod) => {
    const names = started(pod)
    return pod.spec.containers.flatMap(({ name, image }) => (image && names.has(name) ? [image] : []))
  })
  return [...new Set(images)]
}

/** Twice the limit that was too small. */
function moreMemory(facts: Facts, { container }: Observed): Step[] {
  const place = placeOf(asWritten(facts), container)
  const [, number, suffix = ''] = /^(\d+)([KMGT]i?)?$/.exec(place?.found.resources.limits?.memory ?? '') ?? []
  if (!place || number === undefined) return []
  const value = `${2 * Number(number)}${suffix}`
  return [
    podStep(facts, {
      summary: `raise the memory limit of container "${container}" to ${value}`,
      patch: [{ op: 'replace', path: `${place.path}/resources/limits/memory`, value }],
      unchecked: 'whether that is enough for it',
    }),
  ]
}
