import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { scriptOf } from './sim-shell.ts'

describe('commands of a simulated container', () => {
  cases(
    [
      { name: 'a bare word', command: ['false'], want: { steps: [], exitCode: 1 } },
      { name: 'by its path', command: ['/bin/echo', 'a', 'b'], want: { steps: [{ print: 'a b\n' }], exitCode: 0 } },
      { name: 'for ever', command: ['sleep', 'infinity'], want: { steps: [], exitCode: undefined } },
      { name: 'minutes', command: ['sleep', '2m'], want: { steps: [{ sleepMs: 120_000 }], exitCode: 0 } },
      {
        name: 'a shell line',
        command: ['sh', '-c', 'echo "a  b"; sleep 0.5\nexit 3; echo never'],
        want: { steps: [{ print: 'a  b\n' }, { sleepMs: 500 }], exitCode: 3 },
      },
      { name: 'and after failure', command: ['sh', '-c', 'false && echo no'], want: { steps: [], exitCode: 1 } },
      { name: 'a pipe is not understood', command: ['sh', '-c', 'echo a | wc'], want: undefined },
      { name: 'a variable is not understood', command: ['sh', '-c', 'echo $HOME'], want: undefined },
      { name: 'a server is not understood', command: ['nginx'], want: undefined },
    ],
    ({ command, want }) => assert.deepEqual(scriptOf(command), want),
  )
})
