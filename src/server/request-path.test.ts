import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { resourcePath } from './request-path.ts'

const at = (apiVersion: string, plural: string, more: { namespace?: string; name?: string; subresource?: string } = {}) => ({
  apiVersion,
  plural,
  namespace: undefined,
  name: undefined,
  subresource: undefined,
  ...more,
})

describe('resource paths', () => {
  cases(
    [
      { name: 'a collection of the core group', path: '/api/v1/pods', want: at('v1', 'pods') },
      { name: 'with a slash behind it', path: '/api/v1/pods/', want: at('v1', 'pods') },
      { name: 'in a namespace', path: '/api/v1/namespaces/a/pods', want: at('v1', 'pods', { namespace: 'a' }) },
      {
        name: 'an object and its subresource',
        path: '/api/v1/namespaces/a/pods/web/log',
        want: at('v1', 'pods', { namespace: 'a', name: 'web', subresource: 'log' }),
      },
      { name: 'a namespace itself', path: '/api/v1/namespaces/a', want: at('v1', 'namespaces', { name: 'a' }) },
      {
        name: 'a subresource of a namespace',
        path: '/api/v1/namespaces/a/status',
        want: at('v1', 'namespaces', { name: 'a', subresource: 'status' }),
      },
      {
        name: 'an object of another group',
        path: '/apis/node.k8s.io/v1/runtimeclasses/gvisor',
        want: at('node.k8s.io/v1', 'runtimeclasses', { name: 'gvisor' }),
      },
      { name: 'escapes in a name', path: '/api/v1/pods/a%2Fb', want: at('v1', 'pods', { name: 'a/b' }) },
      { name: 'nothing for a group version', path: '/apis/node.k8s.io/v1', want: undefined },
      { name: 'nothing for an empty part', path: '/api/v1//pods', want: undefined },
      { name: 'nothing for a broken escape', path: '/api/v1/pods/%E0%A4%A', want: undefined },
      { name: 'nothing for more parts than there are', path: '/api/v1/namespaces/a/pods/b/log/c', want: undefined },
    ],
    ({ path, want }) => assert.deepEqual(resourcePath(path), want),
  )
})
