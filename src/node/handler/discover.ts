// Finds out what the handlers of this machine are made of: asks the binaries, each once for as long as it stays the same.
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import type { NodeHandlerFeatures } from '../../api/polypod/node-handler.ts'
import { findBinaries } from '../containerd/binaries.ts'
import { command } from '../containerd/command.ts'
import type { RuntimeStatus } from '../cri/runtime.ts'
import {
  featuresFrom,
  featuresFromPluses,
  filesOf,
  type HandlerFacts,
  type HandlerFile,
  handlersOf,
  type KnownHandler,
  namesToFind,
  type RuntimeWords,
  saysFeatures,
  shimApiOf,
  versionFlag,
} from './facts.ts'

const sayMs = 5000

/** Never rejects: what cannot be found out is left out. cost: two short processes for each binary that is new. */
export async function discoverHandlers(status: RuntimeStatus, known: readonly KnownHandler[]): Promise<HandlerFacts[]> {
  const names = namesToFind(status, known)
  const found = names.length === 0 ? new Map<string, string>() : await findBinaries(names)
  return Promise.all(
    handlersOf(status, known, found).map(async (handler): Promise<HandlerFacts> => {
      const told = status.handlers.find(({ name }) => name === handler.name)
      const speaks = handler.runtime ?? handler.shim
      const words = speaks === undefined ? undefined : await wordsOf(speaks)
      return {
        ...handler,
        shimApi: shimApiOf(handler.runtimeType),
        version: words?.version,
        features: { ...told?.features, ...words?.features },
        files: filesOf(handler, told),
      }
    }),
  )
}

const remembered = new Map<string, Promise<RuntimeWords>>()

/** Undefined when there is no such file. cost: two short processes, once for each binary that is put there. */
export async function wordsOf(path: string): Promise<RuntimeWords | undefined> {
  const signature = await signatureOf(path)
  if (signature === '') return undefined
  const key = `${path} ${signature}`
  const words = remembered.get(key) ?? askBinary(path)
  remembered.set(key, words)
  return words
}

async function askBinary(path: string): Promise<RuntimeWords> {
  const { stdout, code } = await command(path, [versionFlag(path)], sayMs)
  if (code !== 0) return { version: undefined, features: {} }
  return { version: versionIn(stdout), features: featuresFromPluses(stdout) ?? (await askFeatures(path)) }
}

/** The first line that names a version says the binary's own; those after it are of what it is built on. */
export function versionIn(text: string): string | undefined {
  const line = text.split('\n').find((each) => /version/i.test(each)) ?? text.split('\n')[0] ?? ''
  return /v?(\d+\.\d+[^\s,]*)/.exec(line)?.[1] ?? /version:?\s+(\S+)/i.exec(line)?.[1]
}

async function askFeatures(path: string): Promise<NodeHandlerFeatures> {
  if (!saysFeatures(path)) return {}
  const { stdout, code } = await command(path, ['features'], sayMs)
  try {
    return code === 0 ? featuresFrom(stdout) : {}
  } catch {
    return {}
  }
}

/** Another one when the file is another; empty when it is not there. cost: one look at the file. */
async function signatureOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs} ${size} ${ino}`
  } catch {
    return ''
  }
}

export interface FilesLook {
  /** In words for users; undefined: all there. */
  missing: string | undefined
  /** Another one when a file is another. */
  signature: string
}

/** Whether a handler's binaries are there and may be run. cost: two looks at each file. */
export async function lookAtFiles(files: readonly HandlerFile[]): Promise<FilesLook> {
  const looks = await Promise.all(
    files.map(async ({ name, path, isDevice }) => {
      const signature = await signatureOf(path)
      if (isDevice) return { signature: signature === '' ? 'gone' : 'there', missing: undefined }
      const usable = await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
      if (usable) return { signature, missing: undefined }
      return { signature, missing: `${name}: executable ${signature === '' ? 'not found at' : 'may not be run:'} ${path}` }
    }),
  )
  const missing = looks.flatMap((look) => look.missing ?? [])
  return {
    missing: missing.length === 0 ? undefined : missing.join(', '),
    signature: looks.map(({ signature }) => signature).join(';'),
  }
}
