// Writes src/gen from proto/. Needs protoc (Debian: protobuf-compiler); users never run it, the result is committed.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')
const out = join(root, 'src/gen')
const protos = ['cri.proto', 'containerd/events.proto']

for (const proto of protos) rmSync(join(out, proto.replace(/\.proto$/, '_pb.js')), { force: true })
for (const proto of protos) mkdirSync(join(out, dirname(proto)), { recursive: true })
execFileSync(
  'protoc',
  [
    `--plugin=protoc-gen-es=${join(root, 'node_modules/.bin/protoc-gen-es')}`,
    `--proto_path=${join(root, 'proto')}`,
    `--es_out=${out}`,
    '--es_opt=target=js+dts,import_extension=js',
    ...protos,
  ],
  { stdio: 'inherit' },
)
