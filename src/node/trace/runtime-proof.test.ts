import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { runtimeCondition, runtimeProof } from './runtime-proof.ts'

describe('runtimeCondition', () => {
  const shim = { name: 'containerd-shim-runc-v2', pid: 42, api: 'v2' } as const
  const runtimeType = 'io.containerd.runc.v2'
  cases(
    [
      {
        name: 'names handler, type, OCI runtime and shim',
        proof: { handler: 'crun', runtimeType, ociRuntime: 'crun 1.8.1', shim },
        want: ['ShimV2', 'crun: io.containerd.runc.v2, crun 1.8.1, shim containerd-shim-runc-v2 pid 42 (API v2)'],
      },
      {
        name: 'says what the default is',
        proof: {
          handler: '',
          runtimeType,
          ociRuntime: 'runc 1.1.5',
          shim: { name: 'containerd-shim', pid: 7, api: 'v1' } as const,
        },
        want: ['ShimV1', 'runc (default): io.containerd.runc.v2, runc 1.1.5, shim containerd-shim pid 7 (API v1)'],
      },
      {
        name: 'gives the version of a shim that is the runtime',
        proof: {
          handler: 'wasm',
          runtimeType: 'io.containerd.wasmtime.v1',
          shim: { name: 'containerd-shim-wasmtime-v1', version: '0.5.0', pid: 9, api: 'v2' } as const,
        },
        want: ['ShimV2', 'wasm: io.containerd.wasmtime.v1, shim containerd-shim-wasmtime-v1 0.5.0 pid 9 (API v2)'],
      },
      {
        name: 'says no more than it knows',
        proof: { handler: 'kata', runtimeType: 'io.containerd.kata.v2' },
        want: ['ShimUnknown', 'kata: io.containerd.kata.v2'],
      },
    ],
    ({ proof, want }) => {
      const { status, reason, message } = runtimeCondition(proof, 'runc')
      assert.deepEqual([status, reason, message], ['True', ...want])
    },
  )
})

describe('runtimeProof', () => {
  it('has none where the runtime tells nothing', async () => {
    const metadata = { name: 'p', uid: 'u', namespace: 'ns', attempt: 0 }
    const sandbox = { id: 'a', metadata, state: 'ready', createdAt: 0, labels: {}, annotations: {}, runtimeHandler: '' } as const
    assert.equal(await runtimeProof({ ...sandbox, ip: '', additionalIps: [], evidence: {} }), undefined)
  })

  it('does not take a process of ours for that of a shim', async () => {
    const metadata = { name: 'p', uid: 'u', namespace: 'ns', attempt: 0 }
    const sandbox = {
      id: 'a',
      metadata,
      state: 'ready',
      createdAt: 0,
      labels: {},
      annotations: {},
      runtimeHandler: 'kata',
    } as const
    const evidence = { pid: process.pid, runtimeType: 'io.containerd.kata.v2' }
    assert.deepEqual(await runtimeProof({ ...sandbox, ip: '', additionalIps: [], evidence }), {
      ...{ handler: 'kata', runtimeType: 'io.containerd.kata.v2', ociRuntime: undefined, shim: undefined },
    })
  })
})
