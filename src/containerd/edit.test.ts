import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { corpusFiles, corpusNames, expectedOf } from '../testing/containerd-corpus.ts'
import { parseConfigFile } from './config-tree.ts'
import { addRuntime, EditError, type NewRuntime, setDefault } from './edit-add.ts'
import { removeRuntime } from './edit-remove.ts'
import { effectiveConfig, runtimeTable } from './effective-config.ts'
import { plain } from './config-tree.ts'
import { parseVersion } from './version.ts'

const one = (text: string, containerd = '1.7') => effectiveConfig([parseConfigFile('c.toml', text)], parseVersion(containerd))
const youki: NewRuntime = {
  name: 'youki',
  keys: [['runtime_type', 'io.containerd.runc.v2']],
  options: [
    ['BinaryName', '/usr/bin/youki'],
    ['SystemdCgroup', true],
  ],
}

const cri = 'plugins."io.containerd.grpc.v1.cri".containerd'

describe('a handler added', () => {
  cases(
    [
      {
        name: 'is laid out like its neighbours, below them, comments kept',
        text: `version = 2\n\n[${cri}.runtimes.runc]\n  runtime_type = "x.y" # why\n  [${cri}.runtimes.runc.options]\n    Root = ""\n# end\n`,
        want: `version = 2\n\n[${cri}.runtimes.runc]\n  runtime_type = "x.y" # why\n  [${cri}.runtimes.runc.options]\n    Root = ""\n\n[${cri}.runtimes.youki]\n  runtime_type = "io.containerd.runc.v2"\n  [${cri}.runtimes.youki.options]\n    BinaryName = "/usr/bin/youki"\n    SystemdCgroup = true\n# end\n`,
      },
      {
        name: 'keeps CRLF and a missing line end',
        text: `version = 2\r\n[${cri}.runtimes.runc]\r\nruntime_type = "x.y"`,
        want: `version = 2\r\n[${cri}.runtimes.runc]\r\nruntime_type = "x.y"\r\n[${cri}.runtimes.youki]\r\nruntime_type = "io.containerd.runc.v2"\r\n[${cri}.runtimes.youki.options]\r\nBinaryName = "/usr/bin/youki"\r\nSystemdCgroup = true`,
      },
      {
        name: 'goes into an inline table',
        text: `version = 2\n[${cri}]\nruntimes = { runc = { runtime_type = "x.y" } } # all\n`,
        want: `version = 2\n[${cri}]\nruntimes = { runc = { runtime_type = "x.y" }, youki = { runtime_type = "io.containerd.runc.v2", options = { BinaryName = "/usr/bin/youki", SystemdCgroup = true } } } # all\n`,
      },
      {
        name: 'is written with dotted keys where headers are not allowed',
        text: `version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  containerd.runtimes.runc.runtime_type = "x.y"\n  sandbox_image = "p"\n`,
        want: `version = 2\n[plugins."io.containerd.grpc.v1.cri"]\n  containerd.runtimes.runc.runtime_type = "x.y"\n  containerd.runtimes.youki.runtime_type = "io.containerd.runc.v2"\n  containerd.runtimes.youki.options.BinaryName = "/usr/bin/youki"\n  containerd.runtimes.youki.options.SystemdCgroup = true\n  sandbox_image = "p"\n`,
      },
      {
        name: 'makes the first table of an empty file',
        text: '',
        want: '[plugins.cri.containerd.runtimes.youki]\nruntime_type = "io.containerd.runc.v2"\n[plugins.cri.containerd.runtimes.youki.options]\nBinaryName = "/usr/bin/youki"\nSystemdCgroup = true\n',
      },
    ],
    ({ text, want }) => {
      const added = addRuntime(one(text), youki)
      assert.equal(added.text, want)
      const config = one(added.text)
      const entry = runtimeTable(config, 'youki')
      assert.ok(entry)
      assert.deepEqual(removeRuntime(config, entry), [{ file: 'c.toml', text }])
    },
  )

  const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,14}[a-z0-9])?$/).filter((n) => n !== 'options')
  const text = fc.string({ unit: 'grapheme-ascii', maxLength: 12 })
  const literal = fc.oneof(text, fc.boolean(), fc.integer(), fc.array(text, { maxLength: 3 }))
  const runtime = fc.record({
    name,
    keys: fc.tuple(fc.constant('runtime_type'), text).map((pair) => [pair]),
    options: fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9. _-]{0,8}$/), literal, { maxKeys: 3 }).map(Object.entries),
  }) as fc.Arbitrary<NewRuntime>

  for (const file of corpusNames())
    it(`and removed again leaves ${file} byte for byte`, () => {
      const version = parseVersion(expectedOf()[file]?.containerd ?? '')
      const files = corpusFiles(file)
      const before = effectiveConfig(files, version)
      fc.assert(
        fc.property(runtime, (wanted) => {
          fc.pre(!runtimeTable(before, wanted.name))
          const edit = addRuntime(before, wanted)
          const added = effectiveConfig(
            files.map((f) => (f.path === edit.file ? parseConfigFile(f.path, edit.text) : f)),
            version,
          )
          const entry = runtimeTable(added, wanted.name)
          assert.ok(entry)
          const options = wanted.options.length > 0 ? { options: Object.fromEntries(wanted.options) } : {}
          assert.deepEqual(plain(entry.table), { ...Object.fromEntries(wanted.keys), ...options })
          assert.deepEqual(
            added.runtimes.filter((r) => r !== entry).map((r) => r.name),
            before.runtimes.map((r) => r.name).filter((n) => n !== 'runc' || added.runtimes.some((r) => r.name === 'runc')),
          )
          const [removed, ...more] = removeRuntime(added, entry)
          assert.deepEqual([removed?.file, removed?.text, more], [edit.file, files.find((f) => f.path === edit.file)?.text, []])
        }),
        { numRuns: 5 },
      )
    })
})

describe('a handler removed', () => {
  const text = `version = 2
imports = []

# the usual one
[${cri}.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

# for strangers' code
[${cri}.runtimes.gvisor]
runtime_type = "io.containerd.runsc.v1"

[${cri}.runtimes.gvisor.options]
ConfigPath = "/etc/containerd/runsc.toml"

[debug]
level = "info"
`
  it('takes its tables along, and nothing else', () => {
    const config = one(text)
    const entry = runtimeTable(config, 'gvisor')
    assert.ok(entry)
    const [edit] = removeRuntime(config, entry)
    const gone = text.slice(text.indexOf(`[${cri}.runtimes.gvisor]`), text.indexOf('\n[debug]'))
    assert.equal(edit?.text, text.replace(gone, ''))
  })

  it('that stands in two places goes from both', () => {
    const apart = `version = 2\n[${cri}.runtimes.a]\nruntime_type = "x.a"\n[${cri}.runtimes.b]\nruntime_type = "x.b"\n[${cri}.runtimes.a.options]\nRoot = "r"\n`
    const config = one(apart)
    const entry = runtimeTable(config, 'a')
    assert.ok(entry)
    assert.deepEqual(removeRuntime(config, entry), [
      { file: 'c.toml', text: `version = 2\n[${cri}.runtimes.b]\nruntime_type = "x.b"\n` },
    ])
  })

  it('that is built in cannot go', () => {
    const config = one('version = 3\n', '2.0')
    const entry = runtimeTable(config, 'runc')
    assert.ok(entry)
    assert.throws(() => removeRuntime(config, entry), EditError)
  })
})

describe('the default', () => {
  for (const file of corpusNames())
    it(`can be set in ${file}, and all else stays`, () => {
      const version = parseVersion(expectedOf()[file]?.containerd ?? '')
      const config = effectiveConfig(corpusFiles(file), version)
      const { file: path, text } = setDefault(config, 'next')
      const { plugin } = config.home
      const before = parse(config.home.file.text) as Record<string, Record<string, Record<string, Record<string, unknown>>>>
      const after = parse(text) as typeof before
      assert.equal(path, config.home.file.path)
      assert.equal(after['plugins']?.[plugin]?.['containerd']?.['default_runtime_name'], 'next')
      delete after['plugins']?.[plugin]?.['containerd']?.['default_runtime_name']
      delete before['plugins']?.[plugin]?.['containerd']?.['default_runtime_name']
      const emptied = (value: unknown) =>
        JSON.stringify(value, (_, v: unknown) =>
          typeof v === 'object' && v !== null && Object.keys(v).length === 0 ? undefined : v,
        )
      assert.deepEqual(sorted(emptied(after)), sorted(emptied(before)))
    })
})

/** Order of keys aside. */
const sorted = (text: string): string[] =>
  text
    .split(/[{},]/)
    .filter((part) => part !== '' && !/^"(plugins|containerd|cri|io\.containerd[^"]*)":$/.test(part))
    .toSorted()
