import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { handlerTable, offeredHandlers } from './handler-table.ts'
import { configFormat, parseVersion } from './version.ts'

const debian = ['runc', 'crun', 'containerd-shim', 'containerd-shim-runc-v1', 'containerd-shim-runc-v2']
const at = (names: string[]) => new Map(names.map((n) => [n, `/usr/bin/${n}`]))

describe('handlers of a machine', () => {
  cases(
    [
      { name: 'Debian 12', binaries: debian, version: '1.6', want: ['runc', 'runc-v1', 'crun'] },
      { name: 'shim API v1 is gone in 2.0', binaries: debian, version: '2.0', want: ['runc', 'crun'] },
      { name: 'a runtime without its shim', binaries: ['runc', 'runsc'], version: '2.1', want: [] },
      { name: 'a shim without its runtime', binaries: ['containerd-shim-runsc-v1'], version: '2.1', want: [] },
      { name: 'gVisor', binaries: ['runsc', 'containerd-shim-runsc-v1'], version: '1.7', want: ['gvisor'] },
      {
        name: 'a shim that is the runtime',
        binaries: ['containerd-shim-kata-v2', 'containerd-shim-spin-v2'],
        version: '1.7',
        want: ['kata', 'spin'],
      },
    ],
    ({ binaries, version, want }) => {
      const { major = 0, minor = 0 } = parseVersion(version) ?? {}
      assert.deepEqual(
        offeredHandlers(at(binaries), { major, minor }).map((r) => r.name),
        want,
      )
    },
  )

  it('are named so that a RuntimeClass can say them, each once', () => {
    const names = handlerTable.map((r) => r.name)
    assert.deepEqual([...new Set(names)], names)
    assert.deepEqual(
      names.filter((n) => !/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(n)),
      [],
    )
  })

  it('have the shim that containerd derives from the type', () => {
    const wrong = handlerTable.filter(({ runtimeType, shim, told }) => {
      const [version, name] = runtimeType.split('.').toReversed()
      return told !== 'entry' && shim !== `containerd-shim-${name}-${version}`
    })
    assert.deepEqual(wrong, [])
  })
})

describe('containerd versions', () => {
  cases(
    [
      { name: 'Debian 12', text: 'containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u3', want: [1, 6, 2] },
      { name: 'upstream 1.7', text: 'containerd github.com/containerd/containerd v1.7.27 05044ec0a9a7', want: [1, 7, 2] },
      { name: '2.1', text: 'containerd github.com/containerd/containerd/v2 v2.1.4 75cb2b7193e4', want: [2, 1, 3] },
      { name: '2.3', text: 'containerd github.com/containerd/containerd/v2 2.3.0 abc', want: [2, 3, 4] },
    ],
    ({ text, want }) => {
      const version = parseVersion(text)
      assert.deepEqual(version && [version.major, version.minor, configFormat(version)], want)
    },
  )
})
