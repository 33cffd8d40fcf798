import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../testing/cases.ts'
import { ConfigMap } from './core/config-map.ts'
import { Node } from './core/node.ts'
import { Pod } from './core/pod.ts'
import type { AnyKind } from './kind.ts'
import { fieldEquals, labelSelectorMatcher, parseFieldSelector, parseLabelSelector } from './selector.ts'
import { statusOf } from './status.ts'

/** The text of the 400 that `act` throws. */
function refusal(act: () => unknown): string | undefined {
  try {
    act()
  } catch (error) {
    const status = statusOf(error)
    assert.deepEqual([status?.code, status?.reason], [400, 'BadRequest'])
    return status?.message
  }
  return undefined
}

const samples: Record<string, Record<string, string>> = {
  none: {},
  a: { app: 'a', tier: 'front' },
  b: { app: 'b', 'example.com/rank': '7' },
  empty: { app: '' },
}
const matching = (matches: (labels: Record<string, string> | undefined) => boolean) =>
  Object.keys(samples).filter((name) => matches(samples[name]))

describe('parseLabelSelector', () => {
  cases(
    [
      { name: 'an empty text matches all', text: '', want: ['none', 'a', 'b', 'empty'] },
      { name: '=', text: 'app=a', want: ['a'] },
      { name: '== with blanks', text: ' app == a ', want: ['a'] },
      { name: '!= also matches what has no such label', text: 'app!=a', want: ['none', 'b', 'empty'] },
      { name: 'in', text: 'app in (a,b)', want: ['a', 'b'] },
      { name: 'in with an empty place', text: 'app in (a,)', want: ['a', 'empty'] },
      { name: 'in without blanks', text: 'app in(a)', want: ['a'] },
      { name: 'notin also matches what has no such label', text: 'app notin (a, b)', want: ['none', 'empty'] },
      { name: 'a bare key', text: 'app', want: ['a', 'b', 'empty'] },
      { name: '! key', text: '!app', want: ['none'] },
      { name: 'terms are all wanted', text: 'app,tier=front,!x', want: ['a'] },
      { name: 'an equal sign alone asks for the empty value', text: 'app=', want: ['empty'] },
      { name: '> compares numbers', text: 'example.com/rank>6', want: ['b'] },
      { name: '< compares numbers', text: 'example.com/rank<7', want: [] },
      { name: 'in and notin are names, too', text: 'in=notin', want: [] },
    ],
    ({ text, want }) => assert.deepEqual(matching(parseLabelSelector(text)), want),
  )

  cases(
    [
      { name: 'a comma at the end', text: 'a=b,', want: "found '', expected: identifier after ','" },
      { name: 'a comma at the start', text: ',a', want: "found ',', expected: !, identifier, or 'end of string'" },
      { name: 'two words', text: 'a b', want: "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt" },
      { name: 'a value after !key', text: '!a=b', want: "found '=', expected: ',' or 'end of string'" },
      { name: 'an operator for a value', text: 'a==!', want: "unable to parse requirement: found '!', expected: identifier" },
      { name: 'no parenthesis', text: 'a in b', want: "unable to parse requirement: found 'b' expected: '('" },
      { name: 'an open parenthesis', text: 'a in (b', want: "unable to parse requirement: found '', expected: ',' or ')'" },
      {
        name: 'a bad value',
        text: 'a=-b',
        want: /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label must be/,
      },
      {
        name: 'a bad key',
        text: 'a/b/c',
        want: /^unable to parse requirement: <nil>: Invalid value: "a\/b\/c": a qualified name must consist/,
      },
      {
        name: 'a text to compare',
        text: 'a>b',
        want: `unable to parse requirement: values[0]: Invalid value: "b": for 'Gt', 'Lt' operators, the value must be an integer`,
      },
    ],
    ({ text, want }) => {
      const found = refusal(() => parseLabelSelector(text)) ?? 'accepted'
      if (typeof want === 'string') assert.equal(found, want)
      else assert.match(found, want)
    },
  )
})

describe('labelSelectorMatcher', () => {
  cases(
    [
      { name: 'none matches nothing', selector: undefined, want: [] },
      { name: 'an empty one matches all', selector: {}, want: ['none', 'a', 'b', 'empty'] },
      { name: 'matchLabels', selector: { matchLabels: { app: 'a' } }, want: ['a'] },
      {
        name: 'expressions',
        selector: {
          matchExpressions: [
            { key: 'app', operator: 'NotIn', values: ['a'] },
            { key: 'app', operator: 'Exists' },
          ],
        },
        want: ['b', 'empty'],
      },
      { name: 'DoesNotExist', selector: { matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, want: ['none'] },
    ],
    ({ selector, want }) => assert.deepEqual(matching(labelSelectorMatcher(selector)), want),
  )
  it('refuses an unknown operator', () => {
    const text = refusal(() => labelSelectorMatcher({ matchExpressions: [{ key: 'a', operator: 'Like' }] }))
    assert.equal(text, '"Like" is not a valid label selector operator')
  })
})

describe('parseFieldSelector', () => {
  const pod = Pod.decode(
    { metadata: { name: 'p', namespace: 'ns' }, spec: { nodeName: 'n1' }, status: { phase: 'Running' } },
    { unknown: [] },
  )
  cases(
    [
      { name: 'an empty text', text: '', want: true },
      { name: 'name and namespace', text: 'metadata.name=p,metadata.namespace==ns', want: true },
      { name: 'another name', text: 'metadata.name=q', want: false },
      { name: 'a node', text: 'spec.nodeName=n1,status.phase!=Failed', want: true },
      { name: 'no node', text: 'spec.nodeName=', want: false },
      { name: 'a phase that is not', text: 'status.phase!=Running', want: false },
      { name: 'a boolean', text: 'spec.hostNetwork=false', want: true },
      { name: 'an escaped comma', text: 'status.phase=Run\\,ning', want: false },
    ],
    ({ text, want }) => assert.equal(parseFieldSelector(Pod, text)(pod), want),
  )

  const rows: { name: string; kind: AnyKind; text: string; want: string }[] = [
    { name: 'a field the kind has no label for', kind: Pod, text: 'spec.image=x', want: 'field label not supported: spec.image' },
    { name: 'inherited names', kind: Pod, text: 'constructor=x', want: 'field label not supported: constructor' },
    {
      name: 'a namespace of a Node',
      kind: Node,
      text: 'metadata.namespace=x',
      want: 'field label not supported: metadata.namespace',
    },
    {
      name: 'any other field of a plain kind',
      kind: ConfigMap,
      text: 'data=x',
      want: '"data" is not a known field selector: only "metadata.name", "metadata.namespace"',
    },
    {
      name: 'no operator',
      kind: Pod,
      text: 'metadata.name=a,foo',
      want: "invalid selector: 'metadata.name=a,foo'; can't understand 'foo'",
    },
  ]
  cases(rows, ({ kind, text, want }) =>
    assert.equal(
      refusal(() => parseFieldSelector(kind, text)),
      want,
    ),
  )

  it('tells an index what must be equal', () => {
    const text = 'spec.nodeName=n1,status.phase!=Failed'
    assert.deepEqual([fieldEquals(text, 'spec.nodeName'), fieldEquals(text, 'status.phase')], ['n1', undefined])
  })
})
