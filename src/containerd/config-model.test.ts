import assert from 'node:assert/strict'
import { parse } from 'smol-toml'
import { describe, it } from 'vitest'
import { type ContainerdConfig, renderConfig } from './config-model.ts'
import { handlerTable } from './handler-table.ts'

const entry = (name: string, runtimePath?: string) => {
  const recipe = handlerTable.find((r) => r.name === name)
  assert.ok(recipe)
  return { recipe, runtimePath }
}

const gvisor = { ...entry('gvisor'), shimPath: '/opt/containerd-shim-runsc-v1', optionsFile: '/data/bin/gvisor.toml' }

// the parser's tables have no prototype, which deepEqual minds
const read = (toml: string) => structuredClone(parse(toml))

const model: ContainerdConfig = {
  format: 2,
  root: '/data/root',
  state: '/run/pp/state',
  socket: '/run/pp/containerd.sock',
  handlers: [
    entry('runc', '/usr/sbin/runc'),
    entry('runc-v1', '/usr/sbin/runc'),
    entry('crun', '/usr/bin/crun'),
    entry('kata'),
    gvisor,
  ],
  defaultHandler: 'runc',
  sandboxImage: 'polypod.dev/pause:1',
  snapshotter: 'overlayfs',
  cniBinDir: '/usr/lib/cni',
  cniConfDir: '/data/cni',
  systemdCgroup: false,
  restrictOomScoreAdj: true,
}

const runtimes = {
  runc: {
    runtime_type: 'io.containerd.runc.v2',
    options: { BinaryName: '/usr/sbin/runc', Root: '/run/pp/state/runtimes/runc', SystemdCgroup: false },
  },
  'runc-v1': {
    runtime_type: 'io.containerd.runtime.v1.linux',
    runtime_engine: '/usr/sbin/runc',
    runtime_root: '/run/pp/state/runtimes/runc-v1',
  },
  crun: {
    runtime_type: 'io.containerd.runc.v2',
    options: { BinaryName: '/usr/bin/crun', Root: '/run/pp/state/runtimes/crun', SystemdCgroup: false },
  },
  kata: { runtime_type: 'io.containerd.kata.v2' },
  gvisor: {
    runtime_type: 'io.containerd.runsc.v1',
    runtime_path: '/opt/containerd-shim-runsc-v1',
    options: { TypeUrl: 'io.containerd.runsc.v1.options', ConfigPath: '/data/bin/gvisor.toml' },
  },
}
const cri = {
  restrict_oom_score_adj: true,
  netns_mounts_under_state_dir: true,
  cni: { bin_dir: '/usr/lib/cni', conf_dir: '/data/cni' },
}
const head = {
  root: '/data/root',
  state: '/run/pp/state',
  imports: [],
  disabled_plugins: ['io.containerd.internal.v1.opt', 'io.containerd.nri.v1.nri', 'io.containerd.internal.v1.tracing'],
  required_plugins: ['io.containerd.grpc.v1.cri'],
}
const streaming = { stream_server_address: '127.0.0.1', stream_server_port: '0' }

describe('config.toml', () => {
  it('of containerd 1.6 and 1.7 holds all of CRI in one table', () => {
    assert.deepEqual(read(renderConfig(model)), {
      version: 2,
      ...head,
      grpc: { address: '/run/pp/containerd.sock' },
      plugins: {
        'io.containerd.grpc.v1.cri': {
          ...streaming,
          ...cri,
          sandbox_image: 'polypod.dev/pause:1',
          containerd: { snapshotter: 'overlayfs', default_runtime_name: 'runc', runtimes },
        },
      },
    })
  })

  it('of containerd 2.0 keeps runtimes and images apart', () => {
    assert.deepEqual(read(renderConfig({ ...model, format: 3 })), {
      version: 3,
      ...head,
      grpc: { address: '/run/pp/containerd.sock' },
      plugins: {
        'io.containerd.cri.v1.images': { snapshotter: 'overlayfs', pinned_images: { sandbox: 'polypod.dev/pause:1' } },
        'io.containerd.cri.v1.runtime': { ...cri, containerd: { default_runtime_name: 'runc', runtimes } },
        'io.containerd.grpc.v1.cri': streaming,
      },
    })
  })

  it('of containerd 2.3 names its sockets as server plugins', () => {
    const { version, grpc, plugins } = read(renderConfig({ ...model, format: 4 }))
    const servers = Object.entries(plugins as object).filter(([name]) => name.startsWith('io.containerd.server.'))
    assert.deepEqual(
      [version, grpc, Object.fromEntries(servers)],
      [
        4,
        undefined,
        {
          'io.containerd.server.v1.grpc': { address: '/run/pp/containerd.sock' },
          'io.containerd.server.v1.ttrpc': { address: '/run/pp/containerd.sock.ttrpc' },
        },
      ],
    )
  })
})
