// Runs test/vectors/ledger-*.json: language-neutral cases of what Pods cost.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { type Amounts, amountText } from './amounts.ts'
import { podCgroup, sandboxResources } from './cgroup.ts'
import { evictionRequest } from './eviction-request.ts'
import { type Costed, podLedger } from './pod-ledger.ts'

interface Vector {
  name: string
  given: Costed
  want: Record<string, unknown>
  /** Where the expectation comes from. */
  source: string
}

const folder = join(import.meta.dirname, '../../test/vectors')
const texts = (all: Amounts) => Object.fromEntries([...all].map(([name, amount]) => [name, amountText(name, amount)]))

const runners: Record<string, (vector: Vector) => unknown> = {
  'ledger-pod.json': ({ given, want }) => {
    const requests = podLedger(given, 'requests')
    const limits = podLedger(given, 'limits')
    const got = { requests: texts(requests.total), limits: texts(limits.total) }
    const bare = { requestsWithoutOverhead: texts(requests.base), limitsWithoutOverhead: texts(limits.base) }
    return 'requestsWithoutOverhead' in want ? { ...got, ...bare } : got
  },
  'ledger-cgroup.json': ({ given }) => podCgroup(given),
  'ledger-sandbox.json': ({ given }) => sandboxResources(given),
  'ledger-eviction.json': ({ given, want }) =>
    Object.fromEntries(Object.keys(want).map((name) => [name, amountText(name, evictionRequest(given, name))])),
}

describe('ledger vectors', () => {
  it('knows every file', () => {
    const files = readdirSync(folder).filter((f) => f.startsWith('ledger-'))
    assert.deepEqual(files.sort(), Object.keys(runners).sort())
  })
  for (const [file, run] of Object.entries(runners))
    describe(file, () => {
      cases(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector[], (vector) => {
        assert.notEqual(vector.source, '')
        assert.deepEqual(run(vector), vector.want)
      })
    })
})
