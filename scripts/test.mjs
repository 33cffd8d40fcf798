// `npm test`: all set-up and every test, ending in the line `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { haveGvisor, installNpmPackages, installSystemPackages, oldKubectl, root } from './setup.mjs'

if (installNpmPackages()) console.log('installed the npm packages')
const { installed, missing, why } = installSystemPackages()
if (installed.length > 0) console.log(`installed ${installed.join(', ')}`)
if (missing.length > 0) console.log(`without ${missing.join(', ')} (${why}): tests that need them are skipped, each saying so`)
// elsewhere nobody waits minutes for what was not asked for
if (process.env.CI && !haveGvisor())
  spawnSync(process.execPath, [join(root, 'scripts', 'gvisor.mjs'), '--if-possible'], { stdio: 'inherit' })
if (!haveGvisor())
  console.log('without gVisor (`npm run gvisor` builds it where Go is): the suites run on the other handlers only')

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
const kubectl = process.env.KUBECTL_1_20 ?? oldKubectl()
const env = { ...process.env, ...(kubectl ? { KUBECTL_1_20: kubectl } : {}) }
const { status } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], { cwd: root, stdio: 'inherit', env })
process.exit(status ?? 1)
