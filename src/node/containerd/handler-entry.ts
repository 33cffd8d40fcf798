// From a row of the handler table and the binaries of this machine to an entry of containerd's configuration, with the files it needs.
import { dirname, join } from 'node:path'
import { type HandlerEntry, runtimeRoot } from '../../containerd/config-model.ts'
import type { HandlerRecipe } from '../../containerd/handler-table.ts'
import { atLeast } from '../../containerd/version.ts'
import { builtFolder, type Machine } from './binaries.ts'
import type { InstancePaths } from './instance-paths.ts'
import { writeRunscOptions } from './runsc-options.ts'
import { plainAnswer, withoutUnified } from './stand-ins.ts'

export interface HandlerPlace {
  machine: Pick<Machine, 'containerd' | 'runtimes'>
  paths: Pick<InstancePaths, 'dir' | 'bin' | 'state'>
  hybridCgroups: boolean
  systemdCgroup: boolean
}

/** Writes stand-ins and option files as a side effect; the same machine always gets the same entry. */
export async function handlerEntry(recipe: HandlerRecipe, place: HandlerPlace): Promise<HandlerEntry> {
  const { machine, paths } = place
  const runtime = recipe.runtime === undefined ? undefined : machine.runtimes.get(recipe.runtime)
  // containerd brings its own shims
  if (recipe.told === 'option' || recipe.told === 'entry') {
    const refuses = recipe.refusesHybridCgroups && place.hybridCgroups
    return { recipe, runtimePath: runtime && refuses ? await withoutUnified(paths.bin, runtime, recipe.name) : runtime }
  }
  const shimPath = await shimFor(recipe, place)
  if (recipe.told === 'nothing' || runtime === undefined) return { recipe, shimPath }
  const optionsFile = join(paths.bin, `${recipe.name}.toml`)
  const root = runtimeRoot(paths.state, recipe.name)
  await writeRunscOptions(optionsFile, { binary: runtime, root, systemdCgroup: place.systemdCgroup })
  return { recipe, shimPath, optionsFile }
}

/** Undefined where containerd finds the shim by itself. */
async function shimFor(recipe: HandlerRecipe, { machine, paths }: HandlerPlace): Promise<string | undefined> {
  const path = machine.runtimes.get(recipe.shim)
  if (path === undefined) return undefined
  if (atLeast(machine.containerd.version, 1, 7)) return dirname(path) === builtFolder() ? path : undefined
  // containerd 1.6 minds runtime_path for containers but not for their sandbox, whose shim it looks for in its working directory first
  return plainAnswer(paths.dir, path, recipe)
}
