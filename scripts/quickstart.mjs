// `npm run quickstart`: all set-up, a cluster in the background, a Pod on every runtime it has, and what really runs each.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { have, installNpmPackages, installSystemPackages, root } from './setup.mjs'

const started = performance.now()
const isTerminal = process.stdout.isTTY === true
const bold = (text) => (isTerminal ? `\x1b[1m${text}\x1b[22m` : text)
const dim = (text) => (isTerminal ? `\x1b[2m${text}\x1b[22m` : text)
const since = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`

/** Runs one step of the list; a line with a moving sign while it works, then how it went and how long it took. */
async function step(what, work) {
  const from = performance.now()
  const signs = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
  let turn = 0
  const show = () => process.stdout.write(`\r  ${signs[turn++ % signs.length]} ${what} ${dim(since(from))}\x1b[K`)
  const spinner = isTerminal ? setInterval(show, 80) : undefined
  const end = (sign, detail) => {
    clearInterval(spinner)
    process.stdout.write(
      `${isTerminal ? '\r' : ''}  ${sign} ${what}${detail ? `: ${detail}` : ''} ${dim(`(${since(from)})`)}${isTerminal ? '\x1b[K' : ''}\n`,
    )
  }
  try {
    const { detail, value } = await work()
    end('✔', detail)
    return value
  } catch (error) {
    end('✘', '')
    console.error(`\n${error.message}`)
    process.exit(1)
  }
}

/** Resolves to what a command printed; rejects with its own words. */
function run(command, args, { input, env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (text) => (stdout += text))
    child.stderr.on('data', (text) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve(stdout) : reject(Object.assign(new Error(`${stderr}${stdout}`.trim()), { code })),
    )
    child.stdin.on('error', () => {})
    child.stdin.end(input ?? '')
  })
}
const polypod = (...args) => run(join(root, 'bin', 'polypod'), args)
const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

console.log(bold('Polypod quickstart'))
await step('npm packages', async () => {
  await nextTurn()
  return { detail: installNpmPackages() ? 'installed' : 'already there' }
})
const lacking = await step('system packages', async () => {
  await nextTurn()
  const { installed, missing, why } = installSystemPackages()
  const detail = [
    installed.length > 0 ? `installed ${installed.join(', ')}` : '',
    missing.length > 0 ? `without ${missing.join(', ')} (${why})` : '',
  ]
  return { detail: detail.filter(Boolean).join('; ') || 'already there', value: missing }
})
await step('build', async () => {
  const { build, isStale } = await import('./build.mjs')
  const stale = isStale()
  if (stale) await build()
  return { detail: stale ? 'done' : 'up to date' }
})

if (!have('kubectl')) {
  console.error('\nkubectl is not on PATH: install it (https://kubernetes.io/docs/tasks/tools/), then run this again')
  process.exit(1)
}
const why =
  process.getuid?.() !== 0 ? 'not root' : !have('containerd') || !have('runc') ? `no ${lacking.join(', ') || 'containerd'}` : ''
const simulated = why !== ''

const status = await step('cluster', async () => {
  const before = JSON.parse(await polypod('status', '-o', 'json').catch(() => '{}'))
  if (!before.running) await polypod('up', '--detach', ...(simulated ? ['--simulated'] : []))
  const now = JSON.parse(await polypod('status', '-o', 'json'))
  return { detail: `${now.url}${before.running ? ', already running' : ''}`, value: now }
})
const kubectl = (...args) => run('kubectl', ['--kubeconfig', status.kubeconfig, ...args])

const { text, pods } = await step('examples/quickstart.yaml', async () => {
  const offered = new Set(status.nodes.flatMap((node) => node.handlers))
  const { parseAllDocuments } = await import('yaml')
  const all = parseAllDocuments(readFileSync(join(root, 'examples', 'quickstart.yaml'), 'utf8')).map((doc) => ({
    doc,
    object: doc.toJS(),
  }))
  const handlerOf = new Map(
    all.filter(({ object }) => object.kind === 'RuntimeClass').map(({ object }) => [object.metadata.name, object.handler]),
  )
  const handler = ({ object }) => (object.kind === 'RuntimeClass' ? object.handler : handlerOf.get(object.spec.runtimeClassName))
  const kept = all.filter((item) => offered.has(handler(item)))
  const leftOut = [...new Set(all.filter((item) => !offered.has(handler(item))).map(handler))]
  const names = kept.filter(({ object }) => object.kind === 'Pod').map(({ object }) => object.metadata.name)
  const detail = `${names.length} Pods${leftOut.length > 0 ? `; no ${leftOut.join(', ')} here` : ''}`
  return { detail, value: { text: kept.map(({ doc }) => String(doc)).join('---\n'), pods: names } }
})
await step('kubectl apply', async () => {
  await run('kubectl', ['--kubeconfig', status.kubeconfig, 'apply', '-f', '-'], { input: text })
  return { detail: 'done' }
})
await step('Pods run', async () => {
  await kubectl('wait', '--for=condition=Ready', '--timeout=120s', ...pods.map((name) => `pod/${name}`))
  return { detail: `${pods.length} Ready` }
})

const show = (title, body) => console.log(`\n${bold(title)}\n${body.trimEnd()}`)
show('$ kubectl get runtimeclass', await kubectl('get', 'runtimeclass'))
show('$ kubectl get pods -o wide', await kubectl('get', 'pods', '-o', 'wide'))
const isSimulated = status.nodes.every((node) => node.runtime.startsWith('simulated:'))
if (isSimulated) {
  show(
    'What runs them',
    `Nothing: this cluster is simulated${why ? ` (${why})` : ''}. No container was started; handlers, scheduling, statuses and logs are as on a real node.`,
  )
} else
  show(
    '$ bin/polypod runtimes --pods    (handler, shim and OCI runtime that really run each Pod)',
    await polypod('runtimes', '--pods'),
  )

console.log(`
${bold(`Done after ${since(started)}.`)}
  use it     export KUBECONFIG=${status.kubeconfig}
             kubectl exec -it on-runc -- sh
  look       bin/polypod status; bin/polypod runtimes
  stop       bin/polypod down            (--purge deletes its data too)`)
