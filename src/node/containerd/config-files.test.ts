import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { ConfigFileError, handlerPlace, readConfigFiles, readContainerdConfig } from './config-files.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'polypod-config-'))
  await mkdir(join(dir, 'conf.d'))
})
afterEach(() => rm(dir, { recursive: true }))

const put = (name: string, text: string) => writeFile(join(dir, name), text)
const runtimes = 'plugins."io.containerd.cri.v1.runtime".containerd.runtimes'
const why = (path: string) =>
  readConfigFiles(path).then(
    () => 'read',
    (error: Error) => (error instanceof ConfigFileError ? error.message : 'another error'),
  )

describe('configuration files', () => {
  it('are followed through imports: relative, absolute, globs in order, each once', async () => {
    await put('config.toml', `version = 3\nimports = ["conf.d/*.toml", "${join(dir, 'last.toml')}", "none/*.toml"]\n`)
    await put('conf.d/20-b.toml', 'version = 3\n')
    await put('conf.d/10-a.toml', `version = 3\nimports = ["../config.toml"]\n[${runtimes}.a]\nruntime_type = "x.a"\n`)
    await put('conf.d/notes.txt', 'no TOML at all')
    await put('last.toml', `version = 3\n[${runtimes}.a]\nsnapshotter = "native"\n`)
    const files = await readConfigFiles(join(dir, 'config.toml'))
    assert.deepEqual(
      files.map((file) => file.path.slice(dir.length + 1)),
      ['config.toml', 'conf.d/10-a.toml', 'conf.d/20-b.toml', 'last.toml'],
    )
    const { runtimes: found } = await readContainerdConfig(join(dir, 'config.toml'), { major: 2, minor: 1 })
    assert.deepEqual(found.map((r) => [r.name, r.runtimeType, [...r.table.children.keys()]]).at(0), [
      'a',
      'x.a',
      ['runtime_type', 'snapshotter'],
    ])
  })

  it('say where a handler stands', async () => {
    await put('config.toml', `version = 3\nimports = ["conf.d/*.toml"]\n`)
    await put(
      'conf.d/a.toml',
      `version = 3\n\n[${runtimes}.a]\nruntime_type = "x.a"\n[plugins."io.containerd.cri.v1.runtime".containerd]\ndefault_runtime_name = "a"\n`,
    )
    const place = { file: join(dir, 'conf.d/a.toml'), line: 3 }
    const at = (handler: string) => handlerPlace(join(dir, 'config.toml'), handler)
    assert.deepEqual(
      [await at('a'), await at(''), await at('b'), await handlerPlace(join(dir, 'none'), 'a')],
      [place, place, undefined, undefined],
    )
  })

  it('that are bad say so in one line', async () => {
    const path = join(dir, 'config.toml')
    assert.equal(await why(path), `${path}: no such file`)
    assert.equal(await why(dir), `${dir}: a directory, not a file`)
    await put('config.toml', 'version = 2\nroot = \n')
    assert.match(await why(path), /config\.toml:2:8: not valid TOML: [^\n]+$/)
    await put('config.toml', 'version = 2\nimports = ["gone.toml"]\n')
    const gone = `${join(dir, 'gone.toml')}: no such file (imported by ${path}: containerd does not start without it)`
    assert.equal(await why(path), gone)
  })
})
