import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { handlerLines } from './config-table.ts'

const format2 = `version = 2
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "crun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
BinaryName = "/usr/bin/crun"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes."runc-v1"]
  runtime_engine = "/usr/sbin/runc"
  runtime_type = 'io.containerd.runtime.v1.linux'
`
const head = (name: string) => `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]`

describe('handlerLines', () => {
  cases(
    [
      {
        name: 'finds the table of a handler, not that of its options',
        text: format2,
        asked: 'crun',
        found: { handler: 'crun', line: 4, table: head('crun'), runtimeType: 'io.containerd.runc.v2' },
      },
      {
        name: 'reads quoted names, and a type that is not on the first line',
        text: format2,
        asked: 'runc-v1',
        found: { handler: 'runc-v1', line: 8, table: head('"runc-v1"'), runtimeType: 'io.containerd.runtime.v1.linux' },
      },
      {
        name: 'follows the default when the Pod named no handler',
        text: format2,
        asked: '',
        found: { handler: 'crun', line: 4, table: head('crun'), runtimeType: 'io.containerd.runc.v2', defaultLine: 3 },
      },
      { name: 'finds nothing of a handler that is not there', text: format2, asked: 'kata', found: { handler: 'kata' } },
      { name: 'takes the built-in runc for the default of an empty file', text: '', asked: '', found: { handler: 'runc' } },
      {
        name: 'reads the tables of formats 1 and 3',
        text: '[plugins.cri.containerd.runtimes.a]\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.b]\nruntime_type = "x.y.v2"',
        asked: 'b',
        found: {
          handler: 'b',
          line: 2,
          table: '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.b]',
          runtimeType: 'x.y.v2',
        },
      },
    ],
    ({ text, asked, found }) => assert.deepEqual(JSON.parse(JSON.stringify(handlerLines(text, asked))), found),
  )
})
