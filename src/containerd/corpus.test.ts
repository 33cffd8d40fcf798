// The corpus: configurations of all four formats with planted faults. Every fault is found at its line, and nothing else is.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { checkConfig } from './check.ts'
import { parseConfigFile, textsAt } from './config-tree.ts'
import { effectiveConfig } from './effective-config.ts'
import type { MachineAnswers } from './machine-questions.ts'
import { parseVersion } from './version.ts'

const corpus = resolve(import.meta.dirname, '..', '..', 'test', 'containerd')

interface Expected {
  containerd: string
  /** In the order containerd gives them. */
  handlers: string[]
  default: string
  /** `severity code line`, with `file:` before the line of an imported one. */
  findings: string[]
}

const expected = JSON.parse(readFileSync(join(corpus, 'expected.json'), 'utf8')) as Record<string, Expected>

const machine: MachineAnswers = {
  shims: found('containerd-shim', 'containerd-shim-runc-v2', 'containerd-shim-runsc-v1', 'containerd-shim-kata-v2'),
  runtimes: found('runc', 'crun', 'youki'),
  present: new Set([
    ...['/usr/sbin/runc', '/usr/bin/crun', '/opt/kata/bin/containerd-shim-kata-v2', '/etc/containerd/runsc.toml'],
    '/opt/kata/share/defaults/kata-containers/configuration-qemu.toml',
  ]),
  shimFolders: ['/', '/usr/bin'],
  cgroupV2: false,
}

function found(...names: string[]): Map<string, string> {
  return new Map(names.map((name) => [name, `/usr/bin/${name}`]))
}

/** The file and its imports; the globs of the corpus name one file each. */
function filesOf(name: string) {
  const read = (path: string) => parseConfigFile(path, readFileSync(join(corpus, path), 'utf8'))
  const first = read(`${name}.toml`)
  const parts = readdirSync(join(corpus, 'parts'))
  const imports = textsAt(first.root, 'imports').flatMap((pattern) => {
    const [start = '', end = ''] = pattern.replace('parts/', '').split('*')
    return parts.filter((part) => part.startsWith(start) && part.endsWith(end)).map((part) => read(`parts/${part}`))
  })
  return [first, ...imports]
}

describe('the corpus of configurations', () => {
  const names = readdirSync(corpus)
    .filter((name) => name.endsWith('.toml'))
    .map((name) => name.replace(/\.toml$/, ''))

  it('has an expectation for each file, and no other', () => {
    assert.deepEqual(names.toSorted(), Object.keys(expected).toSorted())
    assert.ok(names.length >= 30)
  })

  const rows = Object.entries(expected).map(([name, row]) => ({ ...row, name }))
  cases(rows, (row) => {
    const config = effectiveConfig(filesOf(row.name), parseVersion(row.containerd))
    const findings = checkConfig(config, machine).map(({ severity, code, place }) => {
      const file = place?.file === `${row.name}.toml` ? '' : `${place?.file}:`
      return `${severity} ${code} ${file}${place?.line}`
    })
    assert.deepEqual(
      { handlers: config.runtimes.map((r) => r.name), default: config.defaultName, findings },
      { handlers: row.handlers, default: row.default, findings: row.findings },
    )
  })
})
