import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { parseConfigFile } from './config-tree.ts'
import { effectiveConfig } from './effective-config.ts'
import { keepEdits } from './keep-edits.ts'

const config = (names: readonly string[], byDefault = 'runc', more = '') =>
  `version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\ndefault_runtime_name = "${byDefault}"\n${names
    .map(
      (name) =>
        `\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]\nruntime_type = "io.containerd.runc.v2"${more}\n`,
    )
    .join('')}`

describe('a configuration of ours, edited by hand and written anew', () => {
  const base = config(['runc', 'crun'])
  cases(
    [
      {
        name: 'not edited: ours',
        base,
        current: base,
        rendered: config(['runc', 'crun', 'kata']),
        want: ['runc', 'crun', 'kata', 'runc'],
      },
      {
        name: 'nothing new of ours: theirs',
        base,
        current: config(['youki', 'runc']),
        rendered: base,
        want: ['youki', 'runc', 'runc'],
      },
      {
        name: 'an added handler stays',
        base,
        current: config(['runc', 'crun', 'mine']),
        rendered: config(['runc', 'crun', 'kata']),
        want: ['runc', 'crun', 'kata', 'mine', 'runc'],
      },
      {
        name: 'a removed handler stays away',
        base,
        current: config(['runc']),
        rendered: config(['runc', 'crun', 'kata']),
        want: ['runc', 'kata', 'runc'],
      },
      {
        name: 'a chosen default stays',
        base,
        current: config(['runc', 'crun'], 'crun'),
        rendered: config(['runc', 'crun', 'kata']),
        want: ['runc', 'crun', 'kata', 'crun'],
      },
      {
        name: 'a default whose handler went with the machine is not kept',
        base,
        current: config(['runc', 'crun'], 'crun'),
        rendered: config(['runc', 'kata']),
        want: ['runc', 'kata', 'runc'],
      },
      {
        name: 'what is no TOML is given up',
        base,
        current: 'version = = 2',
        rendered: config(['runc', 'kata']),
        want: ['runc', 'kata', 'runc'],
      },
      { name: 'also when ours is as before', base, current: '', rendered: base, want: ['runc', 'crun', 'runc'] },
    ],
    ({ base: before, current, rendered, want }) => {
      const text = keepEdits({ base: before, current, rendered })
      const { runtimes, defaultName } = effectiveConfig([parseConfigFile('c', text)])
      assert.deepEqual([...runtimes.map((r) => r.name), defaultName], want)
    },
  )
})
