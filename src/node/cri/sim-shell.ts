// The few commands a simulated container understands: enough for probes, hooks, init containers and jobs in tests.

export type ShellStep = { print: string } | { sleepMs: number }

export interface Script {
  steps: ShellStep[]
  /** undefined: never ends by itself. */
  exitCode: number | undefined
}

/**
 * Understands true, false, `:`, exit, echo, cat (empty), sleep, and `sh -c` of those joined by `;`, `&&` or newlines.
 * undefined when there is anything else in it.
 */
export function scriptOf(command: readonly string[]): Script | undefined {
  const [first = '', ...rest] = command
  const name = first.replace(/^.*\//, '')
  if (['sh', 'ash', 'bash'].includes(name)) return rest[0] === '-c' ? shellScript(rest[1] ?? '') : undefined
  return simple([name, ...rest])
}

function shellScript(text: string): Script | undefined {
  const steps: ShellStep[] = []
  let exitCode: number | undefined = 0
  let skip = false
  for (const part of text.split(/(;|&&|\n)/).map((p) => p.trim())) {
    if (part === '&&') skip = exitCode !== 0
    else if (part === ';') skip = false
    if (part === '' || part === ';' || part === '&&' || skip) continue
    const words = wordsOf(part)
    const done = words && simple(words)
    if (!done) return undefined
    steps.push(...done.steps)
    exitCode = done.exitCode
    if (exitCode === undefined || words[0] === 'exit') break
  }
  return { steps, exitCode }
}

/** Words of a line without expansions, pipes or redirections; undefined when it has some. */
function wordsOf(line: string): string[] | undefined {
  const words = [...line.matchAll(/'([^']*)'|"([^"$`\\]*)"|([^\s'"$`\\|&<>(){}*?#]+)/g)]
  const rebuilt = words.reduce((rest, [whole]) => rest.replace(whole, ''), line)
  return rebuilt.trim() === '' ? words.map(([, a, b, c]) => a ?? b ?? c ?? '') : undefined
}

function simple([name = '', ...args]: string[]): Script | undefined {
  const only = args[0]
  if (name === 'true' || name === ':') return { steps: [], exitCode: 0 }
  if (name === 'false') return { steps: [], exitCode: 1 }
  if (name === 'exit') return { steps: [], exitCode: Number(only ?? 0) & 255 }
  if (name === 'cat' && args.length === 0) return { steps: [], exitCode: 0 }
  if (name === 'echo') return { steps: [{ print: `${args.join(' ')}\n` }], exitCode: 0 }
  if (name !== 'sleep' || only === undefined) return undefined
  if (only === 'infinity') return { steps: [], exitCode: undefined }
  const { count = '', unit = 's' } = /^(?<count>\d+(\.\d+)?)(?<unit>[smhd])?$/.exec(only)?.groups ?? {}
  const seconds = Number(count) * ({ s: 1, m: 60, h: 3600, d: 86400 }[unit] ?? 1)
  return count === '' ? undefined : { steps: [{ sleepMs: seconds * 1000 }], exitCode: 0 }
}
