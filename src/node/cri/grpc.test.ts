import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { offeredHandlers } from './grpc.ts'

const features = { recursiveReadOnlyMounts: true, userNamespaces: false }
const runtimes = { runc: { runtimeType: 'io.containerd.runc.v2' } }

describe('the handlers of a runtime', () => {
  cases(
    [
      { name: 'are those it lists', listed: [{ name: 'runc', features }], want: [{ name: 'runc', features, ...runtimes.runc }] },
      {
        name: 'have no features where it tells none',
        listed: [{ name: 'runc' }],
        want: [{ name: 'runc', ...runtimes.runc }],
      },
      {
        name: 'are those of the configuration where it lists none, and nobody tells what they can do',
        listed: [],
        want: [{ name: '' }, { name: 'runc', ...runtimes.runc }],
      },
    ],
    ({ listed, want }) => assert.deepEqual(offeredHandlers(listed, { runtimes, defaultRuntimeName: 'runc' }), want),
  )
})
