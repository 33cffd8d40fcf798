// What `kubectl explain` shows: upstream's text of every type and field that we serve, from the models of @kubernetes/client-node, and our own
// text of our own kinds. That package is for development only, so the texts become a file of the build: { TYPE: { '': its text, FIELD: its text } }.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './setup.mjs'

const models = join(root, 'node_modules/@kubernetes/client-node/dist/gen/models')

/** Fields by the name of their type in the OpenAPI documents, `[['io.k8s.api.core.v1.Pod', ['spec', ...]]]`; and our own texts. */
async function served() {
  const { build } = await import('esbuild')
  const from = (file) => JSON.stringify(join(root, 'src/api', file))
  const entry = [
    `import ${from('kinds.ts')}`,
    // no kind that is stored
    `import ${from('polypod/pod-explanation.ts')}`,
    `export { namedTypes } from ${from('schema.ts')}`,
    `export { polypodDescriptions as own } from ${from('polypod/descriptions.ts')}`,
  ].join('\n')
  const { outputFiles } = await build({
    stdin: { contents: entry, loader: 'js', resolveDir: root },
    ...{ bundle: true, write: false, format: 'esm', platform: 'node', logLevel: 'warning' },
  })
  const code = Buffer.from(outputFiles[0].contents).toString('base64')
  const { namedTypes, own } = await import(`data:text/javascript;base64,${code}`)
  const fieldsOf = ({ shape }) => (shape.is === 'object' ? Object.keys(shape.fields) : [])
  return { types: [...namedTypes].map(([name, type]) => [name, fieldsOf(type)]), own }
}

/** A model is named V1Pod, or CoreV1Event where other groups have one of that name. */
function modelText(name) {
  const [kind, version, group] = name.split('.').reverse()
  const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1)
  for (const model of [`${upper(group)}${upper(version)}${kind}`, `${upper(version)}${kind}`]) {
    const file = join(models, `${model}.d.ts`)
    if (existsSync(file)) return readFileSync(file, 'utf8')
  }
  return ''
}

const plain = (text) =>
  text
    .replaceAll('*_/', '*/')
    .replace(/\\(["'\\])/g, '$1')
    .trim()

/** `Port` is `port` there, and `continue` is `_continue`. */
function describe(fields, text) {
  const ofType = /^\/\*\*\n\* (.*)\n\*\/\nexport declare class /m.exec(text)?.[1]
  const ofField = new Map([...text.matchAll(/^ +\/\*\*\n +\* (.*)\n +\*\/\n +'(\w+)'\??:/gm)].map(([, its, name]) => [name, its]))
  const found = ofType === undefined ? {} : { '': plain(ofType) }
  for (const field of fields) {
    const its = ofField.get(field) ?? ofField.get(`_${field}`) ?? ofField.get(field.charAt(0).toLowerCase() + field.slice(1))
    if (its !== undefined) found[field] = plain(its)
  }
  return found
}

/** The texts themselves. */
export async function makeDescriptions() {
  if (!existsSync(models)) throw new Error(`no descriptions: ${models} is missing; run npm install`)
  const { types, own } = await served()
  // every kind has these, and says the same of them
  const anyKind = modelText('io.k8s.api.core.v1.Pod')
  const ofOurs = (name, fields) => {
    const { '': _, ...common } = describe(
      fields.filter((field) => field === 'apiVersion' || field === 'kind'),
      anyKind,
    )
    return { ...common, ...own[name] }
  }
  return Object.fromEntries(
    types.map(([name, fields]) => [
      name,
      name.startsWith('dev.polypod.') ? ofOurs(name, fields) : describe(fields, modelText(name)),
    ]),
  )
}

/** Writes them to `file`. */
export async function writeDescriptions(file) {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(await makeDescriptions()))
}
