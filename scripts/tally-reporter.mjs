// Prints the closing line that CI reads: `N passed, N failed[, N skipped]`, after vitest's own summary.
export default class TallyReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: 0, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) tally[test.result().state] += 1
      // a file that could not even load has no tests, and must not pass for an empty success
      if (module.errors().length > 0) tally.failed += 1
    }
    tally.failed += unhandledErrors.length
    const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : ''
    process.once('exit', () => process.stdout.write(`${tally.passed} passed, ${tally.failed} failed${skipped}\n`))
  }
}
