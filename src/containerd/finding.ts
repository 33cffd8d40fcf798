// What a check of containerd's configuration says: data first, text last.
import type { Place } from './config-tree.ts'

/** `error`: something does not work. `warning`: something is not as its author meant it. `note`: works, but not for ever. */
export type Severity = 'error' | 'warning' | 'note'

export interface Finding {
  severity: Severity
  /** Stable name of the trap, such as `default-missing`. */
  code: string
  /** Absent when it is about no line: about a RuntimeClass, say. */
  place?: Place | undefined
  /** The handler or class it is about. */
  about?: string | undefined
  what: string
  consequence: string
  cure: string
}

const ranks: Record<Severity, number> = { error: 0, warning: 1, note: 2 }

/** By file and line; what has no line last. */
export const inOrder = (findings: readonly Finding[], files: readonly string[]): Finding[] => {
  const rank = (finding: Finding) => (finding.place ? files.indexOf(finding.place.file) : files.length)
  return findings.toSorted(
    (a, b) => rank(a) - rank(b) || (a.place?.line ?? 0) - (b.place?.line ?? 0) || ranks[a.severity] - ranks[b.severity],
  )
}

export const hasErrors = (findings: readonly Finding[]): boolean => findings.some(({ severity }) => severity === 'error')

export function findingText({ severity, code, place, what, consequence, cure }: Finding): string {
  const where = place ? `${place.file}:${place.line}: ` : ''
  return `${where}${severity}: ${what} [${code}]\n    so:   ${consequence}\n    cure: ${cure}\n`
}

export function findingsText(findings: readonly Finding[], checked: string): string {
  const count = (severity: Severity, word: string) => {
    const found = findings.filter((finding) => finding.severity === severity).length
    return found === 0 ? [] : [`${found} ${word}${found === 1 ? '' : 's'}`]
  }
  const counts = [...count('error', 'error'), ...count('warning', 'warning'), ...count('note', 'note')]
  const last = counts.length === 0 ? `No trap found in ${checked}.\n` : `${counts.join(', ')} in ${checked}.\n`
  return [...findings.map(findingText), last].join('')
}
