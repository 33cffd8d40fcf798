// The corpus: configurations of all four formats with planted faults. Every fault is found at its line, and nothing else is.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { corpusFiles, corpusNames, expectedOf } from '../testing/containerd-corpus.ts'
import { checkConfig } from './check.ts'
import { effectiveConfig } from './effective-config.ts'
import type { MachineAnswers } from './machine-questions.ts'
import { parseVersion } from './version.ts'

const machine: MachineAnswers = {
  shims: found('containerd-shim', 'containerd-shim-runc-v2', 'containerd-shim-runsc-v1', 'containerd-shim-kata-v2'),
  runtimes: found('runc', 'crun', 'youki'),
  present: new Set([
    ...['/usr/sbin/runc', '/usr/bin/crun', '/opt/kata/bin/containerd-shim-kata-v2', '/etc/containerd/runsc.toml'],
    '/run/containerd-nydus/containerd-nydus-grpc.sock',
    '/opt/kata/share/defaults/kata-containers/configuration-qemu.toml',
    ...['/etc/containerd/good-spec.json', '/etc/containerd/broken-spec.json'],
  ]),
  broken: new Map([['/etc/containerd/broken-spec.json', 'not valid JSON']]),
  shimFolders: ['/', '/usr/bin'],
  cgroupV2: false,
}

function found(...names: string[]): Map<string, string> {
  return new Map(names.map((name) => [name, `/usr/bin/${name}`]))
}

describe('the corpus of configurations', () => {
  const names = corpusNames()
  const expected = expectedOf()

  it('has an expectation for each file, and no other', () => {
    assert.deepEqual(names.toSorted(), Object.keys(expected).toSorted())
    assert.ok(names.length >= 30)
  })

  const rows = Object.entries(expected).map(([name, row]) => ({ ...row, name }))
  cases(rows, (row) => {
    const config = effectiveConfig(corpusFiles(row.name), parseVersion(row.containerd))
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
