import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { statusOf } from '../api/status.ts'
import { cases } from '../testing/cases.ts'
import { answerForm } from './accept.ts'

const json = { form: 'object', version: 'v1', encoding: 'json' }

describe('the form of an answer', () => {
  cases(
    [
      { name: 'JSON by default', accept: undefined, want: json },
      { name: 'JSON for everything', accept: '*/*', want: json },
      {
        name: 'a table for kubectl get',
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json',
        want: { ...json, form: 'table' },
      },
      {
        name: 'an older table',
        accept: 'application/json;as=Table;v=v1beta1;g=meta.k8s.io',
        want: { form: 'table', version: 'v1beta1', encoding: 'json' },
      },
      {
        name: 'metadata',
        accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
        want: { ...json, form: 'metadata' },
      },
      {
        name: 'JSON behind protobuf, which is not spoken',
        accept: 'application/vnd.kubernetes.protobuf,application/json',
        want: json,
      },
      { name: 'YAML', accept: 'application/yaml', want: { ...json, encoding: 'yaml' } },
      { name: 'the better liked', accept: 'application/yaml;q=0.5,application/json;q=0.9', want: json },
      {
        name: 'JSON when the form is unknown',
        accept: 'application/json;as=Poem;g=meta.k8s.io;v=v1,application/json',
        want: json,
      },
    ],
    ({ accept, want }) => assert.deepEqual(answerForm(accept), want),
  )

  it('refuses what nobody here speaks', () => {
    assert.throws(
      () => answerForm('application/vnd.kubernetes.protobuf, text/html'),
      (error) => {
        const status = statusOf(error)
        assert.deepEqual(
          [status?.code, status?.reason, status?.message],
          [406, 'NotAcceptable', 'only the following media types are accepted: application/json, application/yaml'],
        )
        return true
      },
    )
  })
})
