import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { commandStreams, exitStatus } from './remote-command.ts'

describe('commandStreams', () => {
  cases(
    [
      { name: 'output and error', query: 'output=1&error=1', want: { stdin: false, stdout: true, stderr: true, tty: false } },
      {
        name: 'a terminal has no stderr of its own',
        query: 'input=1&output=1&error=1&tty=1',
        want: { stdin: true, stdout: true, stderr: false, tty: true },
      },
      { name: 'nothing at all', query: 'command=x&output=0', want: undefined },
      { name: 'a terminal with stderr only', query: 'tty=1&error=1', want: undefined },
    ],
    ({ query, want }) => assert.deepEqual(commandStreams(new URLSearchParams(query)), want),
  )
})

describe('exitStatus', () => {
  it('is a success for 0 and names the code otherwise', () => {
    assert.deepEqual(exitStatus(0), { metadata: {}, status: 'Success' })
    assert.deepEqual(exitStatus(137), {
      metadata: {},
      status: 'Failure',
      message: 'command terminated with non-zero exit code: exit code 137',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '137' }] },
    })
  })
})
