// `npm run bench [name...]`: runs bench/*.ts and prints a table and JSON for each. Needs what `npm test` needs.
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, isStale } from './build.mjs'
import { installNpmPackages, root } from './setup.mjs'

installNpmPackages()
if (isStale()) await build()
const all = readdirSync(join(root, 'bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const unknown = wanted.filter((name) => !all.includes(name))
if (unknown.length > 0) {
  console.error(`bench: no ${unknown.join(', ')}; there are ${all.join(', ')}`)
  process.exit(2)
}
const polypod = join(root, 'bin', 'polypod')

/** Bundles a benchmark and imports it. */
async function load(name) {
  const { build: bundle } = await import('esbuild')
  const folder = join(root, 'node_modules', '.cache', 'bench')
  mkdirSync(folder, { recursive: true })
  const outfile = join(folder, `${name}.mjs`)
  const require =
    "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"
  await bundle({
    entryPoints: [join(root, 'bench', `${name}.ts`)],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['lmdb'],
    banner: { js: require },
    logLevel: 'warning',
  })
  return import(pathToFileURL(outfile).href)
}

/** A cluster for as long as `use` takes: on real containers unless flags of `up` say otherwise. */
async function withCluster(use, ...flags) {
  const dir = mkdtempSync(join(tmpdir(), 'polypod-bench-'))
  const cli = (...args) => spawnSync(polypod, [...args, '--data-dir', dir], { encoding: 'utf8' })
  try {
    const up = cli('up', '--detach', '--port', '0', ...flags)
    if (up.status !== 0) throw new Error(up.stderr.trim())
    const status = JSON.parse(cli('status', '-o', 'json').stdout)
    return await use({ kubeconfig: status.kubeconfig, socket: status.criSocket, handlers: status.nodes[0].handlers })
  } finally {
    cli('down', '--purge')
    rmSync(dir, { recursive: true, force: true })
  }
}

/** What `run` of each is given. */
const runners = {
  start: async ({ run }) => run(polypod),
  pods: async ({ run }) => withCluster(run),
  rest: async ({ run }) => run({ polypod }),
  scheduling: async ({ run }) => withCluster(run, '--simulated'),
  quota: async ({ run }) => withCluster(run, '--simulated'),
  metrics: async ({ run }) => [
    ...(await withCluster(run, '--simulated', '--nodes', '5')),
    ...(await withCluster(run, '--simulated', '--nodes', '50')),
  ],
  eviction: async ({ run, available }) => {
    const thresholdBytes = (await available()) - 1024 ** 3
    const flags = ['--eviction-hard', `memory.available<${thresholdBytes}`, '--eviction-pressure-transition-period', '3s']
    return withCluster(({ kubeconfig }) => run({ kubeconfig, thresholdBytes }), ...flags)
  },
  cri: async ({ run }) => withCluster(({ socket }) => run(socket)),
}

const results = {}
for (const name of wanted.length > 0 ? wanted : all) {
  console.log(`\n${name}`)
  const bench = await load(name)
  const rows = await (runners[name] ?? (({ run }) => run()))(bench)
  console.table(rows)
  results[name] = rows
}
console.log(JSON.stringify({ node: process.version, cpus: (await import('node:os')).cpus().length, results }))
