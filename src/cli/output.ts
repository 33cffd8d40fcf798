// What the CLI prints: tables as kubectl's, or JSON.

/** Columns as wide as their widest cell, three spaces apart, as kubectl prints them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows]
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('   ')
      .trimEnd()
  return `${all.map(line).join('\n')}\n`
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

export const print = (text: string): void => void process.stdout.write(text)
