// Traps of single handlers: names, types, keys that contradict each other, annotations, cgroup drivers.
import { globPieces, globsOverlap } from './annotation-glob.ts'
import { at, type Branch, isTrue, textAt, textsAt } from './config-tree.ts'
import { type EffectiveConfig, imagesPlugin, type RuntimeTable } from './effective-config.ts'
import type { Finding } from './finding.ts'
import { handlerTable } from './handler-table.ts'
import { containerdKeys, runcOptions, runtimeKeys, unknownKeys } from './known-keys.ts'
import { cgroupDrivers } from './machine-questions.ts'
import { linuxV1, runcV1, runtimeFamily, shimBinary, takesRuncOptions } from './shim-binary.ts'
import { atLeast } from './version.ts'

export function checkRuntimes(config: EffectiveConfig): Finding[] {
  return [
    ...unknownKeys(at(config.cri, 'containerd'), containerdKeys(config.containerd, config.version), {
      where: 'the containerd table',
    }),
    ...config.runtimes.flatMap((entry) => [
      ...nameFindings(entry, config),
      ...promiseFindings(entry),
      ...typeFindings(entry, config),
      ...keyFindings(entry, config),
      ...valueFindings(entry, config),
      ...globFindings(entry),
    ]),
    ...globsBetween(config.runtimes),
    ...driverFindings(config),
    ...registryFindings(config),
  ]
}

const failsToLoad = 'containerd does not load CRI, and no Pod of any handler starts'

/** What RuntimeClass.handler may be: a DNS label. */
export const isHandlerName = (name: string): boolean => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name)

function nameFindings({ name, place }: RuntimeTable, { defaultName }: EffectiveConfig): Finding[] {
  if (isHandlerName(name) || name === defaultName) return []
  return [
    {
      ...{ severity: 'warning', code: 'handler-name', place, about: name },
      what: `no RuntimeClass can name the handler "${name}"`,
      consequence: 'RuntimeClass.handler must be a DNS label (a-z, 0-9 and -, at most 63 characters): nothing ever runs on it',
      cure: `rename the table, to ${labelOf(name)} for example`,
    },
  ]
}

/** A name that promises another runtime than what runs. */
function promiseFindings({ name, place, runtimeType, table }: RuntimeTable): Finding[] {
  const promised = handlerTable.find((recipe) => recipe.name === name)
  if (!promised || promised.runtime === 'runc' || !takesRuncOptions(runtimeType)) return []
  if (textAt(table, 'options', 'BinaryName') !== '') return []
  const isShim = promised.told !== 'option'
  return [
    {
      ...{ severity: 'warning', code: 'runs-runc', place, about: name },
      what: `handler "${name}" runs runc: ${isShim ? `its type is ${runtimeType}` : 'its options name no BinaryName'}`,
      consequence: 'its Pods start and look well, on a runtime nobody asked for',
      cure: isShim
        ? `write runtime_type = "${promised.runtimeType}"`
        : `write BinaryName = "/usr/bin/${promised.runtime}" in its options`,
    },
  ]
}

const labelOf = (name: string): string =>
  name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '') || 'handler'

function typeFindings(entry: RuntimeTable, config: EffectiveConfig): Finding[] {
  const { name, runtimeType, table } = entry
  const place = at(table, 'runtime_type')?.place ?? entry.place
  const isNew = atLeast(config.containerd, 2, 0)
  const about = { place, about: name }
  if (runtimeType === '')
    return [
      {
        ...{ severity: 'error', code: 'runtime-type-missing', ...about },
        what: `handler "${name}" has no runtime_type`,
        consequence: 'containerd lists the handler, and each of its Pods fails: no runtime name',
        cure: 'write runtime_type = "io.containerd.runc.v2", or the type of its shim',
      },
    ]
  const path = textAt(table, 'runtime_path')
  if (path !== '' && !path.startsWith('/'))
    return [
      {
        ...{ severity: 'error', code: 'runtime-path-relative', place: at(table, 'runtime_path')?.place, about: name },
        what: `runtime_path "${path}" of handler "${name}" is not absolute`,
        consequence: `each Pod of it fails: invalid runtime name ${path}`,
        cure: 'write the absolute path of the shim, or leave runtime_path out',
      },
    ]
  if (shimBinary(runtimeType) === undefined && path === '')
    return [
      {
        ...{ severity: 'error', code: 'runtime-type-invalid', ...about },
        what: `runtime_type "${runtimeType}" of handler "${name}" is no name of a shim`,
        consequence: `each Pod of it fails: invalid runtime name ${runtimeType}`,
        cure: 'it needs a dot at least, like io.containerd.runc.v2, or must be an absolute path',
      },
    ]
  if (runtimeType === linuxV1 && isNew)
    return [
      {
        ...{ severity: 'error', code: 'shim-removed', ...about },
        what: `handler "${name}" uses shim API v1 (${linuxV1}), which containerd 2.0 removed`,
        consequence: 'containerd looks for a binary containerd-shim-v1-linux, which nobody ships: each Pod of it fails',
        cure: 'write runtime_type = "io.containerd.runc.v2", and options.BinaryName for runtime_engine',
      },
    ]
  return runtimeType === linuxV1 || runtimeType === runcV1 ? [deprecatedShim(entry, isNew)] : []
}

const deprecatedShim = ({ name, runtimeType, table, place }: RuntimeTable, isNew: boolean): Finding => ({
  ...{ severity: isNew ? 'warning' : 'note', code: isNew ? 'shim-removed' : 'shim-deprecated' },
  place: at(table, 'runtime_type')?.place ?? place,
  about: name,
  what: `handler "${name}" uses ${runtimeType}, ${isNew ? 'whose shim containerd 2.0 no longer brings' : 'deprecated since containerd 1.4'}`,
  consequence: isNew
    ? 'it works only as long as a containerd-shim-runc-v1 of an old containerd is left on the machine'
    : 'it works here, and stops working with containerd 2.0',
  cure: 'write runtime_type = "io.containerd.runc.v2" before that',
})

function keyFindings({ name, table, runtimeType }: RuntimeTable, { containerd }: EffectiveConfig): Finding[] {
  const owner = { where: `handler "${name}"`, handler: name }
  const options = takesRuncOptions(runtimeType)
    ? unknownKeys(at(table, 'options'), runcOptions, { ...owner, where: `options of handler "${name}"` })
    : []
  return [...unknownKeys(table, runtimeKeys(containerd), owner), ...options]
}

function valueFindings({ name, table }: RuntimeTable, { containerd }: EffectiveConfig): Finding[] {
  const error = (code: string, key: string, text: Pick<Finding, 'what' | 'consequence' | 'cure'>): Finding => ({
    ...{ severity: 'error', code, place: at(table, key)?.place, about: name, ...text },
  })
  const found: Finding[] = []
  const all = 'privileged_without_host_devices_all_devices_allowed'
  if (isTrue(table, all) && !isTrue(table, 'privileged_without_host_devices')) {
    const what = `handler "${name}": ${all} without privileged_without_host_devices`
    found.push(error('privileged-devices', all, { what, consequence: failsToLoad, cure: 'set both, or neither' }))
  }
  if (!atLeast(containerd, 2, 0)) return [...found, ...sandboxModeFindings(name, table)]
  const ioType = textAt(table, 'io_type')
  if (!['', 'fifo', 'streaming'].includes(ioType)) {
    const cure = 'write fifo or streaming (the error text says `named_pipe`, wrongly)'
    found.push(error('io-type', 'io_type', { what: `io_type "${ioType}" of handler "${name}"`, consequence: failsToLoad, cure }))
  }
  const sandboxer = textAt(table, 'sandboxer')
  if (!sandboxers.includes(sandboxer)) {
    const what = `sandboxer "${sandboxer}" of handler "${name}" is not one containerd brings`
    const consequence = `each Pod of it fails: failed to get sandbox controller by ${sandboxer}`
    const cure = 'write podsandbox or shim, unless a proxy plugin of that name serves the sandbox API'
    found.push(error('sandboxer-unknown', 'sandboxer', { what, consequence, cure }))
  }
  return found
}

const sandboxers = ['', 'podsandbox', 'shim']

/** 1.7 minds the key with ENABLE_CRI_SANDBOXES only. */
function sandboxModeFindings(name: string, table: Branch): Finding[] {
  const mode = textAt(table, 'sandbox_mode')
  if (sandboxers.includes(mode)) return []
  return [
    {
      ...{ severity: 'warning', code: 'sandboxer-unknown', place: at(table, 'sandbox_mode')?.place, about: name },
      what: `sandbox_mode "${mode}" of handler "${name}" is not one containerd knows`,
      consequence: `each Pod of it fails with containerd 2.x, and with ENABLE_CRI_SANDBOXES here: unknown sandbox controller mode: ${mode}`,
      cure: 'write podsandbox or shim',
    },
  ]
}

const lists = ['pod_annotations', 'container_annotations'] as const

function globFindings({ name, table }: RuntimeTable): Finding[] {
  return lists.flatMap((key) => {
    const patterns = textsAt(table, key)
    const place = at(table, key)?.place
    const warning = (code: string, what: string, consequence: string, cure: string): Finding => ({
      ...{ severity: 'warning', code, place, about: name, what, consequence, cure },
    })
    return patterns.flatMap((pattern, nth): Finding[] => {
      if (!globPieces(pattern))
        return [
          warning('glob-malformed', `${key} has the malformed pattern "${pattern}"`, 'it never matches', 'close its bracket'),
        ]
      const star =
        pattern === '*' || pattern === '**'
          ? [
              warning(
                ...([
                  'glob-slash',
                  `${key} has "${pattern}"`,
                  '`*` stops at "/": annotations like example.com/key do not pass',
                ] as const),
                'add "*/*", or name the prefix: "example.com/*"',
              ),
            ]
          : []
      const before = patterns.slice(0, nth).find((other) => globsOverlap(other, pattern))
      if (before === undefined) return star
      return [
        ...star,
        warning(
          'globs-overlap',
          `${key}: "${before}" and "${pattern}" overlap`,
          'one of them adds little or nothing, and taking it out does not close what it seems to',
          'keep the wider one only',
        ),
      ]
    })
  })
}

/** Stars and slashes alone, which name no runtime: the same in two places says nothing of intent. */
const isWide = (pattern: string): boolean => /^[*/]+$/.test(pattern)

/** An annotation meant for one kind of runtime must not reach another kind; the very same prefix is no accident. */
function globsBetween(runtimes: readonly RuntimeTable[]): Finding[] {
  return runtimes.flatMap((one, nth) =>
    runtimes.slice(nth + 1).flatMap((other) => {
      if (runtimeFamily(one.runtimeType) === runtimeFamily(other.runtimeType)) return []
      const shared = lists.flatMap((key) =>
        textsAt(one.table, key).flatMap((a) =>
          textsAt(other.table, key)
            .filter((b) => (a !== b || isWide(a)) && globsOverlap(a, b))
            .map((b) => ({ key, a, b })),
        ),
      )
      return shared.slice(0, 1).map(
        ({ key, a, b }): Finding => ({
          ...{ severity: 'warning', code: 'globs-overlap', place: at(other.table, key)?.place, about: other.name },
          what: `${key} "${b}" of "${other.name}" and "${a}" of "${one.name}" overlap, and the two are different kinds of runtime`,
          consequence: 'annotations meant for the one reach the other, too',
          cure: 'narrow both to the prefix of their own runtime',
        }),
      )
    }),
  )
}

function driverFindings(config: EffectiveConfig): Finding[] {
  const all = cgroupDrivers(config)
  // the one kubelets are told: of the default handler, else of the first by name
  const told =
    all.find(({ entry }) => entry.name === config.defaultName) ??
    all.toSorted((a, b) => (a.entry.name < b.entry.name ? -1 : 1))[0]
  return all
    .filter(({ driver }) => driver !== told?.driver)
    .map(({ entry, driver }) => ({
      ...{ severity: 'error', code: 'cgroup-drivers-mixed', about: entry.name },
      place: at(entry.table, 'options', 'SystemdCgroup')?.place ?? entry.place,
      what: `handler "${entry.name}" makes cgroups with ${driver}, "${told?.entry.name}" with ${told?.driver}`,
      consequence: `kubelets are told ${told?.driver} and name cgroups for it: Pods of "${entry.name}" fail, or escape their limits`,
      cure: `set SystemdCgroup = ${told?.driver === 'systemd'} in its options`,
    }))
}

/** Not about runtimes, but it takes all of them away. */
function registryFindings({ cri, root, containerd, version }: EffectiveConfig): Finding[] {
  const isApart = atLeast(containerd, 2, 0) && version >= 3
  const registry = isApart ? at(root, 'plugins', imagesPlugin, 'registry') : at(cri, 'registry')
  if (textAt(registry, 'config_path') === '' || !at(registry, 'mirrors')?.children.size) return []
  return [
    {
      ...{ severity: 'error', code: 'registry-conflict', place: at(registry, 'mirrors')?.place },
      what: 'registry.mirrors and registry.config_path',
      consequence: `${failsToLoad}: mirrors cannot be set when config_path is provided`,
      cure: 'move the mirrors to hosts.toml files below config_path',
    },
  ]
}
