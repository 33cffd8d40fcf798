// Bundles src into dist: the CLI, what package.json exports, and the texts of kubectl explain. esbuild for the code, tsc for the types (with --types).
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { writeDescriptions } from './descriptions.mjs'
import { root } from './setup.mjs'

const dist = join(root, 'dist')
const stamp = join(dist, '.built')

/** The newest change under src, and of what the build itself depends on, in milliseconds. */
function newestSource() {
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((file) => join(root, 'src', file))
  const others = ['package.json', 'package-lock.json', 'scripts/build.mjs', 'scripts/descriptions.mjs'].map((file) =>
    join(root, file),
  )
  // an editor's draft may be gone again by now
  return Math.max(...[...sources, ...others].map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0))
}

/** Whether dist is missing or older than the sources. */
export const isStale = () => !existsSync(stamp) || statSync(stamp).mtimeMs < newestSource()

/** Leaves what an earlier build made: a cluster that runs from it may still load its chunks. */
export async function build() {
  const startedAt = new Date()
  const { build: bundle } = await import('esbuild')
  await bundle({
    entryPoints: {
      cli: join(root, 'src/cli/main.ts'),
      cluster: join(root, 'src/cluster/start-cluster.ts'),
      client: join(root, 'src/client/http.ts'),
    },
    outdir: dist,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    legalComments: 'none',
    logLevel: 'warning',
    // lmdb loads its native part from beside itself
    external: ['lmdb'],
    // some packages are CommonJS and call require()
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  })
  await writeDescriptions(join(dist, 'descriptions.json'))
  // dated by its start: a source that changed meanwhile is newer
  writeFileSync(stamp, `${startedAt.toISOString()}\n`)
  utimesSync(stamp, startedAt, startedAt)
}

function emitTypes() {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  rmSync(dist, { recursive: true, force: true })
  await build()
  if (process.argv.includes('--types')) emitTypes()
}
