// kubectl explain says what upstream says: the texts that the build joins, in the documents of a real server.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { namedTypes } from '../../src/api/schema.ts'
import '../../src/api/kinds.ts'
import type { Descriptions } from '../../src/server/descriptions.ts'
import { startTestServer } from './http-server.ts'
import { kubectlBinaries } from './kubectl-binaries.ts'
import { kubectl } from './stream-stub.ts'

const root = resolve(import.meta.dirname, '../..')
const script = pathToFileURL(join(root, 'scripts/descriptions.mjs')).href
const { makeDescriptions } = (await import(script)) as { makeDescriptions: () => Promise<Descriptions> }
const descriptions = await makeDescriptions()
const binaries = await kubectlBinaries()

interface Built {
  build: () => Promise<void>
  isStale: () => boolean
}

/** Runs in an installed package: what its API server says of a field. */
const askInstalled = `
  import { execFile } from 'node:child_process'
  import { promisify } from 'node:util'
  import { startCluster } from './dist/cluster.js'
  const cluster = await startCluster({ nodes: 0 })
  const asked = ['--kubeconfig', cluster.kubeconfig, 'get', '--raw', '/openapi/v3/apis/node.k8s.io/v1']
  const { components } = JSON.parse((await promisify(execFile)('kubectl', asked)).stdout)
  process.stdout.write(components.schemas['io.k8s.api.node.v1.RuntimeClass'].properties.handler.description)
  await cluster.close()
`

describe('descriptions', () => {
  it('are there for every type, and for nearly every field that is no object of its own', () => {
    const silent: string[] = []
    for (const [name, texts] of Object.entries(descriptions)) {
      const shape = namedTypes.get(name)?.shape
      if (!texts['']) silent.push(name)
      if (shape?.is !== 'object') continue
      for (const [field, type] of Object.entries(shape.fields)) {
        const isObject = 'any' === type.shape.is || typeof type.openapi.$ref === 'string'
        if (!isObject && !texts[field]) silent.push(`${name}.${field}`)
      }
    }
    assert.deepEqual(silent, [])
  })

  it('are plain text', () => {
    const texts = Object.values(descriptions).flatMap((fields) => Object.values(fields))
    assert.deepEqual(
      texts.filter((text) => /\\["']|\*_\/|&[a-z]+;/.test(text)),
      [],
    )
  })
})

const kubectlMissing = binaries[0]?.missing
describe.skipIf(kubectlMissing)(`an installed package${kubectlMissing ? ` (skipped: ${kubectlMissing})` : ''}`, () => {
  it('has the descriptions, and no client-node', async () => {
    const { build, isStale } = (await import(pathToFileURL(join(root, 'scripts/build.mjs')).href)) as Built
    if (isStale()) await build()
    const installed = await mkdtemp(join(tmpdir(), 'installed-'))
    try {
      await install(installed)
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', askInstalled], {
        cwd: installed,
      })
      assert.equal(stdout, descriptions['io.k8s.api.node.v1.RuntimeClass']?.handler)
    } finally {
      await rm(installed, { recursive: true })
    }
  })
})

/** What npm would put there: the files of the package and its dependencies, not those of development. */
async function install(folder: string): Promise<void> {
  const { dependencies } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { dependencies: object }
  for (const part of ['package.json', 'dist']) await cp(join(root, part), join(folder, part), { recursive: true })
  for (const name of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', name)
    await mkdir(dirname(link), { recursive: true })
    await symlink(join(root, 'node_modules', name), link)
  }
}

for (const { name, path, missing } of binaries)
  describe.skipIf(missing)(`${name}${missing ? ` (skipped: ${missing})` : ''}`, () => {
    it('explains in the words of upstream', async () => {
      await using server = await startTestServer({ descriptions: () => descriptions })
      const explain = async (what: string) => {
        const flags = [`--kubeconfig=${server.kubeconfig}`, `--cache-dir=${join(server.folder, 'cache')}`]
        const { code, stdout, stderr } = await kubectl(path, [...flags, 'explain', what])
        assert.equal(code, 0, stderr)
        return stdout.toString().replace(/\s+/g, ' ')
      }
      assert.match(
        await explain('pod.spec.runtimeClassName'),
        /DESCRIPTION: RuntimeClassName refers to a RuntimeClass object in the node\.k8s\.io group, which should be used to run this pod\. If no RuntimeClass resource matches the named class, the pod will not be run\./,
      )
      const overhead = await explain('runtimeclass.overhead')
      assert.match(overhead, /Overhead structure represents the resource overhead associated with running a pod\./)
      assert.match(overhead, /podFixed <.*> podFixed represents the fixed resource overhead associated with running a pod\./)
    })
  })
