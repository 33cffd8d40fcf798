// `npm run check`: format, lint, types, unit + contract + architecture tests. Run before every commit; under 60 s.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { installNpmPackages, root } from './setup.mjs'

installNpmPackages()
const steps = [
  ['format', 'biome', ['format', '--log-level=error', '.']],
  ['lint', 'oxlint', ['--type-aware', '--quiet']],
  ['types', 'tsc', ['--noEmit']],
  ['tests', 'vitest', ['run', '--project', 'unit', '--silent']],
]
for (const [name, tool, args] of steps) {
  const start = performance.now()
  const { status } = spawnSync(join(root, 'node_modules', '.bin', tool), args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) {
    console.error(`check: ${name} failed`)
    process.exit(status ?? 1)
  }
  console.log(`${name}: ok, ${((performance.now() - start) / 1000).toFixed(1)} s`)
}
