import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { type ProcessText, serving } from './sandbox-processes.ts'

const pod = { uid: 'a-1', sandboxId: 'sand1', containerIds: ['cont1'] }
const shimCgroup = '4:memory:/system.slice/containerd\n'
const inPod = (id: string) => `4:memory:/kubepods/poda-1/${id}\n`
const one = (pid: number, parent: number, argv: string, cgroup: string): ProcessText => ({
  ...{ pid, parent, argv: argv.split(' '), cgroup },
})
const others = [
  one(1, 0, '/sbin/init', '4:memory:/\n'),
  one(2, 1, '/usr/bin/containerd --config x', shimCgroup),
  one(3, 1, 'containerd-shim-runc-v2 -id sand2', shimCgroup),
  one(4, 3, '/pause', '4:memory:/kubepods/podb-1/sand2\n'),
]

describe('processes that serve a sandbox', () => {
  const rows: { name: string; processes: ProcessText[]; want: [number, boolean][] }[] = [
    { name: 'none', processes: [], want: [] },
    {
      name: 'runc: one shim and the pause process, not the container',
      processes: [
        one(10, 1, 'containerd-shim-runc-v2 -namespace k8s.io -id sand1', shimCgroup),
        one(11, 10, '/pause', inPod('sand1')),
        one(12, 10, 'sleep infinity', inPod('cont1')),
        one(13, 12, 'sh -c x', inPod('cont1')),
      ],
      want: [
        [10, false],
        [11, true],
      ],
    },
    {
      name: 'runc on shim v1: a shim for the sandbox and one for the container',
      processes: [
        one(10, 2, 'containerd-shim -workdir /run/io.containerd.runtime.v1.linux/k8s.io/sand1', shimCgroup),
        one(11, 10, '/pause', inPod('sand1')),
        one(14, 2, 'containerd-shim -workdir /run/io.containerd.runtime.v1.linux/k8s.io/cont1', shimCgroup),
        one(12, 14, 'sleep infinity', inPod('cont1')),
      ],
      want: [
        [10, false],
        [11, true],
        [14, false],
      ],
    },
    {
      name: 'gVisor: sentry and gofers, also those in the cgroup of the container',
      processes: [
        one(10, 1, 'containerd-shim-runsc-v1 -id sand1', shimCgroup),
        one(11, 10, 'runsc-sandbox --root=/run boot sand1', inPod('sand1')),
        one(12, 10, 'runsc-gofer gofer --bundle /run/cont1', inPod('cont1')),
        one(13, 11, '[exe]', inPod('sand1')),
      ],
      want: [
        [10, false],
        [11, true],
        [12, true],
        [13, true],
      ],
    },
    {
      name: 'Kata: a VMM that left its parent, by its command or its cgroup',
      processes: [
        one(10, 1, 'containerd-shim-kata-v2 -id sand1', '4:memory:/kata_overhead/sand1\n'),
        one(11, 1, '/usr/bin/qemu-system-x86_64 -name sandbox-sand1', '4:memory:/kata_overhead/sand1\n'),
        one(12, 1, '/usr/libexec/virtiofsd', '4:memory:/kata_overhead/sand1\n'),
      ],
      want: [
        [10, false],
        [11, false],
        [12, false],
      ],
    },
    {
      name: 'in a slice of systemd, where dashes are underscores',
      processes: [one(11, 1, '/pause', '0::/kubepods.slice/kubepods-poda_1.slice/cri-containerd-sand1.scope\n')],
      want: [[11, true]],
    },
  ]
  cases(rows, ({ processes, want }) => {
    const got = serving(pod, [...others, ...processes]).map(({ pid, inPodCgroup }): [number, boolean] => [pid, inPodCgroup])
    assert.deepEqual(
      got.toSorted(([a], [b]) => a - b),
      want,
    )
  })
})
