import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { statusOf } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { deleteCall, listCall, reportDuplicates, writeQuery } from './query.ts'

const refusal = (attempt: () => unknown): string => {
  try {
    return `accepted ${JSON.stringify(attempt())}`
  } catch (error) {
    return `${statusOf(error)?.code} ${statusOf(error)?.message}`
  }
}
const words = (text: string) => new URLSearchParams(text)

describe('words that are understood', () => {
  it('of a list', () => {
    const given = listCall(words('limit=5&continue=x&labelSelector=a%3Db&watch=0&resourceVersion='))
    assert.deepEqual(JSON.parse(JSON.stringify(given)), {
      ...{ labelSelector: 'a=b', limit: 5, continue: 'x', watch: false, allowWatchBookmarks: false },
    })
  })
  it('of a watch', () => {
    const given = listCall(
      words('watch=nonsense&timeoutSeconds=7&allowWatchBookmarks=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan'),
    )
    assert.deepEqual(JSON.parse(JSON.stringify(given)), {
      ...{ watch: true, timeoutSeconds: 7, allowWatchBookmarks: true },
      ...{ sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' },
    })
  })
  it('of a write', () => {
    assert.deepEqual(writeQuery(words('dryRun=All&fieldValidation=Strict&fieldManager=kubectl-create'), 'CreateOptions'), {
      ...{ dryRun: true, fieldValidation: 'Strict' },
    })
  })
  it('of a delete, where the body wins', () => {
    const body = { kind: 'DeleteOptions', gracePeriodSeconds: 3, preconditions: { uid: 'u' }, dryRun: ['All'] }
    assert.deepEqual(JSON.parse(JSON.stringify(deleteCall(words('gracePeriodSeconds=9&propagationPolicy=Orphan'), body))), {
      ...{ gracePeriodSeconds: 3, dryRun: true, preconditions: { uid: 'u' } },
    })
    assert.deepEqual(JSON.parse(JSON.stringify(deleteCall(words('gracePeriodSeconds=9&propagationPolicy=Orphan'), undefined))), {
      ...{ gracePeriodSeconds: 9, dryRun: false, propagationPolicy: 'Orphan' },
    })
  })
})

describe('words that are refused', () => {
  const list = (text: string) => () => listCall(words(text))
  const write = (text: string, name = 'CreateOptions') => {
    return () => writeQuery(words(text), name)
  }
  const invalid = (name: string, text: string) => `422 ${name}.meta.k8s.io "" is invalid: ${text}`
  cases(
    [
      { name: 'a limit of no digits', call: list('limit=abc'), want: '400 strconv.ParseInt: parsing "abc": invalid syntax' },
      {
        name: 'a match without a version',
        call: list('resourceVersionMatch=Exact'),
        want: invalid(
          'ListOptions',
          'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided',
        ),
      },
      {
        name: 'an unknown match',
        call: list('resourceVersionMatch=About&resourceVersion=1'),
        want: invalid(
          'ListOptions',
          'resourceVersionMatch: Unsupported value: "About": supported values: "Exact", "NotOlderThan"',
        ),
      },
      {
        name: 'a match for a plain watch',
        call: list('watch=1&resourceVersionMatch=Exact'),
        want: invalid(
          'ListOptions',
          'resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
        ),
      },
      {
        name: 'initial events without a match',
        call: list('watch=1&sendInitialEvents=true'),
        want: invalid(
          'ListOptions',
          'resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        ),
      },
      {
        name: 'initial events of a list',
        call: list('sendInitialEvents=true'),
        want: invalid('ListOptions', 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list'),
      },
      {
        name: 'half a dry run',
        call: write('dryRun=Some'),
        want: invalid('CreateOptions', 'dryRun: Unsupported value: "Some": supported values: "All"'),
      },
      {
        name: 'an unknown validation',
        call: write('fieldValidation=Maybe'),
        want: invalid(
          'CreateOptions',
          'fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"',
        ),
      },
      {
        name: 'force without apply',
        call: write('force=true', 'PatchOptions'),
        want: invalid('PatchOptions', 'force: Forbidden: may not be specified for non-apply patch'),
      },
      {
        name: 'an unknown propagation',
        call: () => deleteCall(words('propagationPolicy=Up'), undefined),
        want: invalid(
          'DeleteOptions',
          'propagationPolicy: Unsupported value: "Up": supported values: "Background", "Foreground", "Orphan"',
        ),
      },
      {
        name: 'a grace period that is a text',
        call: () => deleteCall(words(''), { gracePeriodSeconds: '5' }),
        want: '400 json: cannot unmarshal into field DeleteOptions.gracePeriodSeconds',
      },
      {
        name: 'another kind in the place of DeleteOptions',
        call: () => deleteCall(words(''), { kind: 'Pod', apiVersion: 'v1' }),
        want: '400 Pod in version "v1" cannot be handled as a DeleteOptions: expected kind DeleteOptions',
      },
    ],
    ({ call, want }) => assert.equal(refusal(call), want),
  )
})

describe('keys that come twice', () => {
  const pod = { kind: 'Pod', apiVersion: 'v1' }
  it('are refused, warned of or let through', () => {
    assert.equal(
      refusal(() => reportDuplicates(['a.b', 'c'], 'Strict', pod)),
      '400 Pod in version "v1" cannot be handled as a Pod: strict decoding error: duplicate field "a.b", duplicate field "c"',
    )
    assert.deepEqual(reportDuplicates(['a.b'], 'Warn', pod), ['duplicate field "a.b"'])
    assert.deepEqual(reportDuplicates(['a.b'], undefined, pod), [])
  })
})
