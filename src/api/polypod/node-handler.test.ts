import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { runtimeText } from './node-handler.ts'

const runtimeType = 'io.containerd.kata.v2'

describe('runtimeText', () => {
  cases(
    [
      {
        name: 'names the OCI runtime and its version',
        status: {
          runtimeType,
          ociRuntime: { path: '/usr/sbin/runc', version: '1.1.5' },
          shim: { path: '/usr/bin/containerd-shim' },
        },
        want: 'runc 1.1.5',
      },
      {
        name: 'names the shim and its version where that is the runtime',
        status: { runtimeType, shim: { path: '/usr/bin/containerd-shim-kata-v2', version: '3.2.0' } },
        want: 'containerd-shim-kata-v2 3.2.0',
      },
      { name: 'names the type where no more is known', status: { runtimeType }, want: runtimeType },
      { name: 'says nothing of what nobody knows', status: {}, want: '' },
    ],
    ({ status, want }) => assert.equal(runtimeText(status), want),
  )
})
