import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { Pod } from '../api/core/pod.ts'
import { cases } from '../testing/cases.ts'
import type { RuntimeStatus } from './cri/runtime.ts'
import { refuseUserNamespace } from './user-namespace.ts'

const podOf = (spec: Record<string, unknown>) =>
  Pod.decode(
    { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } },
    { unknown: [] },
  )

describe('a Pod with hostUsers: false', () => {
  const status = async (): Promise<RuntimeStatus> => ({
    ...{ runtimeReady: true, networkReady: true, message: '' },
    handlers: [
      { name: 'old', features: { recursiveReadOnlyMounts: false, userNamespaces: false } },
      { name: 'new', features: { recursiveReadOnlyMounts: false, userNamespaces: true } },
    ],
  })
  cases(
    [
      { name: 'is not refused when it has none', spec: { hostUsers: true }, handler: 'old', want: undefined },
      { name: 'nor when it says nothing', spec: {}, handler: 'old', want: undefined },
      {
        name: 'is refused on a handler that cannot (row 47)',
        spec: { hostUsers: false },
        handler: 'old',
        want: 'RuntimeClass handler "old" does not support user namespaces',
      },
      {
        name: 'and on one that could, as nobody asks it to',
        spec: { hostUsers: false },
        handler: 'new',
        want: 'this kubelet does not make user namespaces yet, whatever handler "new" could do',
      },
    ],
    async ({ spec, handler, want }) => {
      const got = await refuseUserNamespace(podOf(spec), handler, { status }).catch((error: Error) => error.message)
      assert.equal(got, want)
    },
  )
})
