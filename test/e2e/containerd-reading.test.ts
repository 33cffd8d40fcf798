// Our reading of every configuration of the corpus, against what a real containerd says it reads (`containerd config dump`).
// POLYPOD_TEST_CONTAINERD names another binary than the one on PATH, of another version for example.
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { describe, it } from 'vitest'
import { checkConfig } from '../../src/containerd/check.ts'
import { at, parseConfigFile, textAt } from '../../src/containerd/config-tree.ts'
import { criPlugin, effectiveConfig, runtimePlugin } from '../../src/containerd/effective-config.ts'
import { parseVersion } from '../../src/containerd/version.ts'
import { corpusFiles, corpusNames } from '../../src/testing/containerd-corpus.ts'
import { run } from './polypod.ts'

const corpus = resolve(import.meta.dirname, '..', 'containerd')
const binary = process.env['POLYPOD_TEST_CONTAINERD'] ?? 'containerd'
const { code, stdout } = await run('/bin/sh', ['-c', `${binary} --version`])
const version = code === 0 ? parseVersion(stdout) : undefined
const named = version ? `containerd ${version.major}.${version.minor}` : 'containerd (none on this machine)'

describe.skipIf(!version)(`our reading of configurations, against that of ${named}`, () => {
  it.each(corpusNames())('%s', async (name) => {
    const ours = effectiveConfig(corpusFiles(name), version)
    const errors = checkConfig(ours).filter(({ severity }) => severity === 'error')
    const codes = errors.map((finding) => finding.code)
    // 1.6 reads it as if it were version 2
    if (codes.includes('version-unsupported') && version?.major === 1) return
    // imports of 1.x are below its working directory
    const dump = await run('/bin/sh', ['-c', `cd ${corpus} && ${binary} --config ${name}.toml config dump`])
    if (dump.code !== 0) return assert.deepEqual([dump.code, codes.length > 0], [1, true])
    const theirs = parseConfigFile('dump', dump.stdout)
    const cri = at(theirs.root, 'plugins', version?.major === 1 ? criPlugin : runtimePlugin, 'containerd')
    if (!cri) return assert.ok(codes.includes('cri-disabled'))
    const entries = ours.runtimes.filter(({ from }) => from === 'runtimes' || from === 'built-in')
    const types = Object.fromEntries(entries.map((entry) => [entry.name, entry.runtimeType]))
    // the dump does not say yet what CRI makes of the two old tables
    const isOld = (handler: string) => ours.runtimes.some((r) => r.name === handler && !entries.includes(r))
    const dumped = [...(at(cri, 'runtimes')?.children ?? [])].filter(([handler]) => !isOld(handler))
    const theirTypes = Object.fromEntries(dumped.map(([handler, table]) => [handler, textAt(table, 'runtime_type')]))
    assert.deepEqual(types, theirTypes)
    if (ours.defaultName !== 'default') assert.equal(ours.defaultName, textAt(cri, 'default_runtime_name'))
  })
})
