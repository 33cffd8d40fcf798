import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import type { RuntimeHandler } from '../cri/runtime.ts'
import { versionIn } from './discover.ts'
import { featuresFrom, featuresFromPluses, filesOf, handlersOf, type KnownHandler, namesToFind, shimApiOf } from './facts.ts'

const features = { recursiveReadOnlyMounts: false, userNamespaces: false }
const offers = (...handlers: Omit<RuntimeHandler, 'features'>[]) => ({
  handlers: [{ name: '', features }, ...handlers.map((handler) => ({ features, ...handler }))],
  defaultHandler: 'runc',
})
const found = new Map([
  ['containerd-shim-runc-v2', '/usr/bin/containerd-shim-runc-v2'],
  ['containerd-shim', '/usr/bin/containerd-shim'],
  ['runc', '/usr/sbin/runc'],
])

interface Row {
  name: string
  handler: Omit<RuntimeHandler, 'features'>
  known?: KnownHandler[]
  looked: string[]
  want: Omit<KnownHandler, 'name' | 'isDefault'>
}

describe('what a handler is made of', () => {
  const v2 = 'io.containerd.runc.v2'
  const rows: Row[] = [
    {
      name: 'runc, found on PATH',
      handler: { name: 'runc', runtimeType: v2 },
      looked: ['containerd-shim-runc-v2', 'runc'],
      want: { runtimeType: v2, shim: '/usr/bin/containerd-shim-runc-v2', runtime: '/usr/sbin/runc' },
    },
    {
      name: 'a runtime named by option',
      handler: { name: 'crun', runtimeType: v2, binary: '/opt/crun' },
      looked: ['containerd-shim-runc-v2'],
      want: { runtimeType: v2, shim: '/usr/bin/containerd-shim-runc-v2', runtime: '/opt/crun' },
    },
    {
      name: 'the shim of API v1',
      handler: { name: 'old', runtimeType: 'io.containerd.runtime.v1.linux' },
      looked: ['containerd-shim', 'runc'],
      want: { runtimeType: 'io.containerd.runtime.v1.linux', shim: '/usr/bin/containerd-shim', runtime: '/usr/sbin/runc' },
    },
    {
      name: 'a shim that is the runtime and is not there',
      handler: { name: 'kata', runtimeType: 'io.containerd.kata.v2' },
      looked: ['containerd-shim-kata-v2'],
      want: { runtimeType: 'io.containerd.kata.v2', shim: undefined, runtime: undefined },
    },
    {
      name: 'a shim at a path',
      handler: { name: 'kata', runtimeType: 'io.containerd.kata.v2', shimPath: '/opt/kata/shim' },
      looked: [],
      want: { runtimeType: 'io.containerd.kata.v2', shim: '/opt/kata/shim', runtime: undefined },
    },
    {
      name: 'a runtime that tells nothing',
      handler: { name: 'crun' },
      looked: [],
      want: { runtimeType: '', shim: undefined, runtime: undefined },
    },
    {
      name: 'one of our own, told of a stand-in',
      handler: { name: 'crun', runtimeType: v2, binary: '/data/bin/crun' },
      known: [{ name: 'crun', isDefault: false, runtimeType: v2, shim: '/usr/bin/shim', runtime: '/usr/bin/crun' }],
      looked: [],
      want: { runtimeType: v2, shim: '/usr/bin/shim', runtime: '/usr/bin/crun' },
    },
  ]
  cases(
    rows.map((row) => ({ known: [], ...row })),
    ({ handler, known, looked, want }) => {
      const status = offers(handler)
      assert.deepEqual(namesToFind(status, known), looked)
      assert.deepEqual(handlersOf(status, known, found), [{ name: handler.name, isDefault: handler.name === 'runc', ...want }])
    },
  )

  it('must all be there, stand-ins too, and devices are looked at', () => {
    const crun = { name: 'crun', isDefault: false, runtimeType: 'io.containerd.runc.v2', shim: '/bin/shim', runtime: '/bin/crun' }
    assert.deepEqual(filesOf(crun, { name: 'crun', features, binary: '/data/crun' }), [
      { name: 'shim', path: '/bin/shim' },
      { name: 'crun', path: '/bin/crun' },
      { name: 'crun', path: '/data/crun' },
    ])
    const kata = { name: 'kata', isDefault: false, runtimeType: 'io.containerd.kata.v2', shim: '/bin/containerd-shim-kata-v2' }
    assert.deepEqual(filesOf(kata, undefined), [
      { name: 'containerd-shim-kata-v2', path: '/bin/containerd-shim-kata-v2' },
      { name: 'kvm', path: '/dev/kvm', isDevice: true },
    ])
  })

  it('speaks an API that its type tells', () => {
    assert.deepEqual(
      ['io.containerd.runtime.v1.linux', 'io.containerd.runc.v1', 'io.containerd.kata.v2', '', 'simulated'].map(shimApiOf),
      ['v1', 'v2', 'v2', undefined, undefined],
    )
  })
})

describe('what a runtime says of itself', () => {
  it('is read from its features', () => {
    const text = JSON.stringify({
      annotations: { 'org.opencontainers.runc.checkpoint.enabled': 'true' },
      linux: { seccomp: { enabled: true }, apparmor: { enabled: false }, mountExtensions: { idmap: { enabled: true } } },
    })
    assert.deepEqual(featuresFrom(text), { checkpoint: true, idmapMounts: true, seccomp: true, apparmor: false })
    assert.deepEqual(featuresFrom('{}'), {})
  })

  it("is read from crun's version", () => {
    const text = 'crun version 1.8.1\ncommit: f8a0\nspec: 1.0.0\n+SYSTEMD +APPARMOR +CAP +SECCOMP +YAJL\n'
    assert.deepEqual(featuresFromPluses(text), { checkpoint: false, seccomp: true, apparmor: true, selinux: false })
    assert.equal(featuresFromPluses('runc version 1.1.5\n'), undefined)
  })

  cases(
    [
      { name: 'runc', text: 'runc version 1.1.5+ds1\ncommit: 1.1.5+ds1-1+deb12u1\nspec: 1.0.2-dev\n', want: '1.1.5+ds1' },
      { name: 'crun', text: 'crun version 1.8.1\ncommit: f8a0\nspec: 1.0.0\n', want: '1.8.1' },
      { name: 'runsc of a release', text: 'runsc version release-20240807.0\nspec: 1.1.0-rc.1\n', want: '20240807.0' },
      { name: 'runsc without a version', text: 'runsc version VERSION_MISSING\nspec: 1.1.0-rc.1\n', want: 'VERSION_MISSING' },
      { name: 'a shim', text: 'containerd-shim-runc-v2:\n  Version:  v1.7.2\n  Revision: 12.5abc\n', want: '1.7.2' },
      { name: 'nothing', text: '', want: undefined },
    ],
    ({ text, want }) => assert.equal(versionIn(text), want),
  )
})
