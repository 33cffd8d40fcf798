// Prints, after vitest's own summary, what was skipped and why, and the closing line that CI reads: `N passed, N failed[, N skipped]`.
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: 0, skipped: 0 }
    /** How many tests, by what their name or note says. */
    const skipped = new Map()
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        tally[state] += 1
        const why = state === 'skipped' ? whySkipped(test, note) : undefined
        if (why) skipped.set(why, (skipped.get(why) ?? 0) + 1)
      }
      // a file that could not even load has no tests, and must not pass for an empty success
      if (module.errors().length > 0) tally.failed += 1
    }
    tally.failed += unhandledErrors.length
    const reasons = [...skipped].map(([why, count]) => `skipped: ${why}${count > 1 ? `, ${count} tests` : ''}\n`)
    const end = `${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''}\n`
    process.once('exit', () => process.stdout.write(`${reasons.join('')}${end}`))
  }
}

/** The reason stands in the note of a test, or in brackets behind its name or that of a suite it belongs to; -t needs none. */
function whySkipped(test, note) {
  if (note) return `${test.fullName} (${note.split('\n', 1)[0]})`
  for (let each = test; each.type !== 'module'; each = each.parent)
    if (each.name.endsWith(')')) return each.fullName.replace(/\(skipped: (.*)\)$/, '($1)')
  return undefined
}
