// Takes a handler out of a configuration, touching nothing but its own lines.
import type { ConfigFile } from './config-tree.ts'
import { EditError, isWhatWasMeant, type TextEdit } from './edit-add.ts'
import { criPlugin, type EffectiveConfig, runtimePlugin, type RuntimeTable } from './effective-config.ts'
import type { TomlPlace } from './toml-places.ts'
import { followsBlank, lineStart, nextLine, spliced, startsWith, statements } from './toml-text.ts'
import { atLeast } from './version.ts'

/** The texts of the files that have it, without it. Throws EditError. */
export function removeRuntime(config: EffectiveConfig, entry: RuntimeTable): TextEdit[] {
  if (entry.from === 'built-in')
    throw new EditError(`"${entry.name}" is built into containerd: no file says it, so none can leave it out`)
  const last = entry.from === 'runtimes' ? ['runtimes', entry.name] : [entry.from]
  const edits = tablesOf(config).flatMap(({ file, plugin }): TextEdit[] => {
    const path = ['plugins', plugin, 'containerd', ...last]
    if (!file.places.some((place) => startsWith(place.path, path))) return []
    const text = withoutPath(file, path)
    if (text === undefined)
      throw new EditError(
        `${entry.place?.file}:${entry.place?.line}: "${entry.name}" cannot be taken out alone: edit the file by hand`,
      )
    return [{ file: file.path, text }]
  })
  if (edits.length === 0) throw new EditError(`the table of "${entry.name}" was not found in any file`)
  return edits
}

/** The tables of CRI that count, of each file. */
function tablesOf({ files, home, ignored, containerd }: EffectiveConfig): { file: ConfigFile; plugin: string }[] {
  if (!atLeast(containerd, 2, 0)) return [home]
  const counts = (file: ConfigFile, plugin: string) =>
    !ignored.some((one) => one.place.file === file.path && one.plugin === plugin)
  return files.flatMap((file) =>
    ['cri', criPlugin, runtimePlugin].filter((plugin) => counts(file, plugin)).map((plugin) => ({ file, plugin })),
  )
}

function withoutPath(file: ConfigFile, path: readonly string[]): string | undefined {
  const inline = file.places.find(
    (place) => place.inline > 0 && place.path.length === path.length && startsWith(place.path, path),
  )
  const text = inline ? withoutInline(file, inline) : withoutLines(file, path)
  return isWhatWasMeant(file, text, path, undefined) ? text : undefined
}

/** With the comma that parted it from its neighbour. */
function withoutInline({ text }: ConfigFile, { start, end }: TomlPlace): string {
  const before = /,\s*$/.exec(text.slice(0, start))
  if (before) return spliced(text, start - before[0].length, end, '')
  const after = /^\s*,\s*/.exec(text.slice(end))
  return spliced(text, start, end + (after?.[0].length ?? 0), '')
}

/** Statement runs of the table, each with its comments within and one blank line above. */
function withoutLines({ text, places }: ConfigFile, path: readonly string[]): string {
  const all = statements(places)
  const runs: { first: TomlPlace; last: TomlPlace }[] = []
  let open = false
  for (const place of all) {
    const isIts = startsWith(place.path, path)
    const run = runs.at(-1)
    if (isIts && open && run) run.last = place
    else if (isIts) runs.push({ first: place, last: place })
    open = isIts
  }
  return runs.toReversed().reduce((rest, run) => withoutRun(rest, run.first.start, run.last.end), text)
}

function withoutRun(text: string, from: number, to: number): string {
  let start = lineStart(text, from)
  const end = nextLine(text, to)
  // only a table has a blank line of its own
  const isTable = text[from] === '['
  if (isTable && followsBlank(text, start)) start = lineStart(text, start - 1)
  // a file that ends without a line end still does
  if (end === text.length && !text.endsWith('\n') && start > 0) start -= text[start - 2] === '\r' ? 2 : 1
  return spliced(text, start, end, '')
}
