// The walls of docs/design.md, executed: who may import whom, no value cycles, sizes, and where the clock may be read.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, it } from 'vitest'

const base = ['ledger', 'api', 'lib']
const everyRoomBelow = [
  'containerd',
  'store',
  'placement',
  'client',
  'admission',
  'server',
  'controllers',
  'scheduler',
  'node',
  ...base,
]
const may: Record<string, string[]> = {
  lib: [],
  gen: [],
  api: ['lib'],
  ledger: ['api', 'lib'],
  placement: base,
  containerd: ['lib'],
  store: ['lib', 'gen'],
  client: ['api', 'lib'],
  admission: base,
  server: ['admission', 'store', 'client', ...base],
  controllers: ['client', ...base],
  scheduler: ['placement', 'client', ...base],
  node: ['placement', 'client', 'containerd', 'gen', ...base],
  cluster: everyRoomBelow,
  cli: ['cluster', 'placement', 'client', 'containerd', 'node', ...base],
  testing: ['cluster', ...everyRoomBelow],
}

const root = resolve(import.meta.dirname, '..')
const isTest = (file: string) => /\.(test|contract)\.ts$/.test(file)
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((f) => f.endsWith('.ts') && !f.startsWith('gen/'))
  .map((f) => `src/${f}`)
const textOf = new Map(files.map((f) => [f, readFileSync(join(root, f), 'utf8')]))
const roomOf = (file: string) => file.split('/')[1] ?? ''

interface Import {
  typeOnly: boolean
  target: string
}

function importsOf(file: string): Import[] {
  const text = textOf.get(file) ?? ''
  const found = [...text.matchAll(/^\s*(?:import|export)\s+(type\s+)?(?:[^'"]*?from\s+)?['"](\.[^'"]+)['"]/gm)]
  const dynamic = [...text.matchAll(/\bimport\(\s*['"](\.[^'"]+)['"]\s*\)/g)]
  const at = (specifier: string) => relative(root, resolve(root, dirname(file), specifier))
  return [
    ...found.map((m) => ({ typeOnly: m[1] !== undefined, target: at(m[2] ?? '') })),
    // a dynamic import crosses a wall like any other, but cannot tie a load-time knot
    ...dynamic.map((m) => ({ typeOnly: true, target: at(m[1] ?? '') })),
  ]
}

describe('architecture', () => {
  it('has every room on the map', () => {
    const unknown = [...new Set(files.map(roomOf))].filter((room) => !(room in may))
    assert.deepEqual(unknown, [])
  })

  it('imports only downwards', () => {
    const wrong: string[] = []
    for (const file of files) {
      const allowed = [
        roomOf(file),
        ...(may[roomOf(file)] ?? []),
        ...(isTest(file) ? ['testing', 'store', 'client', 'server', 'api'] : []),
      ]
      for (const { target } of importsOf(file))
        if (target.startsWith('src/') && !allowed.includes(roomOf(target))) wrong.push(`${file} -> ${target}`)
    }
    assert.deepEqual(wrong, [])
  })

  it('has no cycle of value imports', () => {
    const edges = new Map(files.map((f) => [f, importsOf(f).flatMap((i) => (i.typeOnly ? [] : [i.target]))]))
    const done = new Set<string>()
    const visit = (file: string, path: string[]): void => {
      if (path.includes(file)) assert.fail(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`)
      if (done.has(file)) return
      for (const next of edges.get(file) ?? []) visit(next, [...path, file])
      done.add(file)
    }
    for (const file of files) visit(file, [])
  })

  it('keeps files readable in one sitting', () => {
    const long = files.filter((f) => f !== 'src/api/core/pod.ts' && (textOf.get(f) ?? '').split('\n').length > 401)
    assert.deepEqual(long, [])
  })

  it('reads the clock in one file', () => {
    const readers = files.filter(
      (f) =>
        f !== 'src/lib/clock.ts' &&
        !isTest(f) &&
        /\bDate\.now\(|\bset(Timeout|Interval)\(|\bnew Date\(\)/.test(textOf.get(f) ?? ''),
    )
    assert.deepEqual(readers, [])
  })

  it('speaks gRPC in two places only', () => {
    const speakers = files.filter((f) => /from '@(grpc|bufbuild)\//.test(textOf.get(f) ?? ''))
    assert.deepEqual(
      speakers.filter(
        (f) => !f.startsWith('src/node/cri/') && !f.startsWith('src/node/containerd/') && f !== 'src/store/etcd.ts',
      ),
      [],
    )
  })

  it('has no index file and no forbidden name', () => {
    assert.deepEqual(
      files.filter((f) => /(^|\/)(index|utils?|helpers?|common|shared|misc)\b/.test(f)),
      [],
    )
  })
})
