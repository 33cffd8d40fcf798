// `npm run gvisor`: builds gVisor (runsc and its shim) from its published Go module into a cache folder of the user, where
// `polypod up` finds it. Needs Go and a module proxy; `--if-possible` makes their absence one line instead of a failure.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { builtFolder, have, root } from './setup.mjs'

const source = join(root, 'scripts', 'gvisor')
const folder = builtFolder
const [, version] = /^\s*gvisor\.dev\/gvisor v(\S+)/m.exec(readFileSync(join(source, 'go.mod'), 'utf8')) ?? []
const binaries = [
  { name: 'containerd-shim-runsc-v1', package: './shim' },
  // last: it tells whether all is there
  { name: 'runsc', package: 'gvisor.dev/gvisor/runsc' },
]

/** Why gVisor cannot be built on this machine; undefined when it can be tried. */
function whyNot() {
  if (process.platform !== 'linux') return 'gVisor runs on Linux only'
  if (!['x64', 'arm64'].includes(process.arch)) return `gVisor does not run on ${process.arch}`
  return have('go') ? undefined : 'no go on PATH'
}

/** What is there says the version of go.mod. */
function isBuilt() {
  if (!binaries.every(({ name }) => existsSync(join(folder, name)))) return false
  const said = spawnSync(join(folder, 'runsc'), ['--version'], { encoding: 'utf8' })
  return said.stdout?.startsWith(`runsc version ${version}\n`) ?? false
}

/** Returns what went wrong, in one line. go.sum holds every module to the content it had when it was chosen. */
function build() {
  mkdirSync(folder, { recursive: true })
  const nice = have('nice') ? ['nice', '-n', '10'] : []
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' }
  for (const { name, package: path } of binaries) {
    const made = join(folder, `${name}.${process.pid}`)
    const ldflags = `-s -w -X gvisor.dev/gvisor/runsc/version.version=${version}`
    const command = [...nice, 'go', 'build', '-trimpath', '-ldflags', ldflags, '-o', made, path]
    const done = spawnSync(command[0], command.slice(1), { cwd: source, env, encoding: 'utf8' })
    if (done.status !== 0) {
      rmSync(made, { force: true })
      return (done.error?.message ?? done.stderr).trim().split('\n').at(-1)
    }
    // in one step: a running shim keeps the file it was started from
    renameSync(made, join(folder, name))
  }
  return undefined
}

const ifPossible = process.argv.includes('--if-possible')
const fail = (why) => {
  console.log(`gVisor is not built: ${why}`)
  process.exit(ifPossible ? 0 : 1)
}

const why = whyNot()
if (why !== undefined) fail(why)
if (isBuilt()) console.log(`gVisor ${version} is in ${folder}`)
else {
  console.log(`building gVisor ${version} (some minutes, the first time)`)
  const start = performance.now()
  const failed = build()
  if (failed !== undefined) fail(failed)
  console.log(
    `gVisor ${version} is in ${folder}, built in ${Math.round((performance.now() - start) / 1000)} s; start \`polypod up\` again to offer it`,
  )
}
