// Traps of the default runtime, and of the two tables that containerd 2.0 dropped.
import { at, isTrue, textAt } from './config-tree.ts'
import type { EffectiveConfig, RuntimeTable } from './effective-config.ts'
import type { Finding } from './finding.ts'
import { linuxV1 } from './shim-binary.ts'
import { atLeast } from './version.ts'

export function checkDefault(config: EffectiveConfig): Finding[] {
  return [...defaultFindings(config), ...oldTableFindings(config), ...legacyKeyFindings(config)]
}

const failsToLoad = 'containerd does not load CRI: kubelets get `unknown service runtime.v1.RuntimeService`'

function defaultFindings({ cri, defaultName, defaultPlace, runtimes, containerd }: EffectiveConfig): Finding[] {
  const names = runtimes.map((r) => r.name)
  if (names.includes(defaultName)) return []
  const place = defaultPlace ?? at(cri, 'containerd', 'runtimes')?.place
  const cure = `add [… .containerd.runtimes.${defaultName || 'runc'}], or name one that is there: ${names.join(', ')}`
  if (defaultPlace && defaultName === '')
    return [
      { severity: 'error', code: 'default-empty', place, what: 'default_runtime_name is empty', consequence: failsToLoad, cure },
    ]
  const implied = defaultPlace || atLeast(containerd, 2, 0) ? '' : ' (the default when none is named)'
  return [
    {
      ...{ severity: 'error', code: 'default-missing', place, about: defaultName },
      what: `the default runtime "${defaultName}"${implied} has no table`,
      consequence: `${failsToLoad}; no corresponding runtime configured in containerd.runtimes`,
      cure,
    },
  ]
}

function oldTableFindings(config: EffectiveConfig): Finding[] {
  const { cri, containerd } = config
  const isNew = atLeast(containerd, 2, 0)
  const found: Finding[] = []
  const byDefault = at(cri, 'containerd', 'default_runtime')
  const named = textAt(cri, 'containerd', 'default_runtime_name')
  const type = textAt(byDefault, 'runtime_type')
  if (byDefault && isNew)
    found.push({
      ...{ severity: 'error', code: 'default-runtime-table', place: byDefault.place },
      what: 'the default_runtime table is not read by containerd 2.x',
      consequence: `Pods without a RuntimeClass run on "${config.defaultName}", whatever this table says`,
      cure: 'make it a table of its own under runtimes, and name that in default_runtime_name',
    })
  else if (byDefault && type !== '' && named !== '' && named !== 'default')
    found.push({
      ...{ severity: 'warning', code: 'default-runtime-overrides', place: byDefault.place },
      what: `default_runtime_name = "${named}" and a default_runtime table`,
      consequence: `the table wins: Pods without a RuntimeClass run on it (${type}), not on "${named}"`,
      cure: 'take out one of the two; containerd 2.0 reads default_runtime_name only',
    })
  const untrusted = at(cri, 'containerd', 'untrusted_workload_runtime')
  if (untrusted && isNew)
    found.push({
      ...{ severity: 'error', code: 'untrusted-runtime-table', place: untrusted.place },
      what: 'the untrusted_workload_runtime table is not read by containerd 2.x',
      consequence: 'Pods with the annotation io.kubernetes.cri.untrusted-workload fail: no runtime for "untrusted" is configured',
      cure: 'rename the table to runtimes.untrusted',
    })
  else if (textAt(untrusted, 'runtime_type') !== '' && at(cri, 'containerd', 'runtimes', 'untrusted'))
    found.push({
      ...{ severity: 'error', code: 'untrusted-conflict', place: untrusted?.place },
      what: 'both untrusted_workload_runtime and runtimes.untrusted',
      consequence: `${failsToLoad}; conflicting definitions`,
      cure: 'keep runtimes.untrusted only',
    })
  return found
}

/** Keys that work with shim API v1 only, and stop 1.x from loading CRI with any other. */
function legacyKeyFindings(config: EffectiveConfig): Finding[] {
  const { cri, runtimes, defaultName } = config
  const inTables = runtimes.flatMap((entry) =>
    (['runtime_engine', 'runtime_root'] as const)
      .filter((key) => textAt(entry.table, key) !== '')
      .map((key) => ({ key, entry, place: at(entry.table, key)?.place })),
  )
  const byDefault = runtimes.find((r) => r.name === defaultName)
  const general = [
    { key: 'systemd_cgroup', isSet: isTrue(cri, 'systemd_cgroup'), place: at(cri, 'systemd_cgroup')?.place },
    { key: 'no_pivot', isSet: isTrue(cri, 'containerd', 'no_pivot'), place: at(cri, 'containerd', 'no_pivot')?.place },
  ].flatMap(({ key, isSet, place }) => (isSet ? [{ key, entry: byDefault, place }] : []))
  return [...inTables, ...general].flatMap(({ key, entry, place }) => legacyKey(config, key, entry, place))
}

const modern: Record<string, string> = {
  runtime_engine: 'options.BinaryName',
  runtime_root: 'options.Root',
  systemd_cgroup: 'options.SystemdCgroup of each runtime',
  no_pivot: 'options.NoPivotRoot',
}

function legacyKey(config: EffectiveConfig, key: string, entry: RuntimeTable | undefined, place: Finding['place']): Finding[] {
  const isNew = atLeast(config.containerd, 2, 0)
  if (!isNew && entry?.runtimeType === linuxV1) return []
  return [
    {
      ...{ severity: 'error', code: 'legacy-key', place, about: entry?.name },
      what: `${key} works with ${linuxV1} only, and "${entry?.name ?? config.defaultName}" is ${entry?.runtimeType || 'none'}`,
      consequence: isNew ? 'containerd 2.x ignores the key' : `${failsToLoad}; \`${key}\` only works for runtime ${linuxV1}`,
      cure: `write ${modern[key]} instead`,
    },
  ]
}
