// The corpus of containerd configurations in test/containerd, with what is expected of each.
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ConfigFile, parseConfigFile, textsAt } from '../containerd/config-tree.ts'

const corpus = resolve(import.meta.dirname, '..', '..', 'test', 'containerd')

export interface Expected {
  containerd: string
  /** In the order containerd gives them. */
  handlers: string[]
  default: string
  /** `severity code line`, with `file:` before the line of an imported one. */
  findings: string[]
}

export const expectedOf = (): Record<string, Expected> =>
  JSON.parse(readFileSync(join(corpus, 'expected.json'), 'utf8')) as Record<string, Expected>

export const corpusNames = (): string[] =>
  readdirSync(corpus)
    .filter((name) => name.endsWith('.toml'))
    .map((name) => name.replace(/\.toml$/, ''))

/** The file and its imports; the globs of the corpus name one file each. */
export function corpusFiles(name: string): ConfigFile[] {
  const read = (path: string) => parseConfigFile(path, readFileSync(join(corpus, path), 'utf8'))
  const first = read(`${name}.toml`)
  const parts = readdirSync(join(corpus, 'parts'))
  const imports = textsAt(first.root, 'imports').flatMap((pattern) => {
    const [start = '', end = ''] = pattern.replace('parts/', '').split('*')
    return parts.filter((part) => part.startsWith(start) && part.endsWith(end)).map((part) => read(`parts/${part}`))
  })
  return [first, ...imports]
}
