import assert from 'node:assert/strict'
import type { TLSSocket } from 'node:tls'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import { userOf } from './auth.ts'

const everyone = 'system:authenticated'

describe('the user of a connection', () => {
  cases(
    [
      {
        name: 'has one group',
        authorized: true,
        subject: { CN: 'jane', O: 'dev' },
        want: { name: 'jane', groups: ['dev', everyone] },
      },
      {
        name: 'has several groups',
        authorized: true,
        subject: { CN: 'jane', O: ['dev', 'ops'] },
        want: { name: 'jane', groups: ['dev', 'ops', everyone] },
      },
      { name: 'has none but everyone’s', authorized: true, subject: { CN: 'jane' }, want: { name: 'jane', groups: [everyone] } },
      { name: 'is nobody when no CA of ours signed', authorized: false, subject: { CN: 'jane' }, want: undefined },
      { name: 'is nobody without a name', authorized: true, subject: { O: 'dev' }, want: undefined },
      { name: 'is nobody without a certificate', authorized: true, subject: undefined, want: undefined },
    ],
    ({ authorized, subject, want }) => {
      const socket = { authorized, getPeerCertificate: () => ({ subject }) } as unknown as TLSSocket
      assert.deepEqual(userOf(socket), want)
    },
  )
})
