import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../testing/cases.ts'
import {
  cidr,
  configMapKey,
  dns1035Label,
  dnsLabel,
  dnsSubdomain,
  ipAddress,
  labelValue,
  type NameCheck,
  pathSegment,
  portName,
  qualifiedName,
} from './name.ts'

describe('names', () => {
  const rows: { name: string; check: NameCheck; legal: string[]; wrong: string[] }[] = [
    {
      name: 'DNS label',
      check: dnsLabel,
      legal: ['a', '0', 'a-b', 'a'.repeat(63)],
      wrong: ['', '-a', 'a-', 'A', 'a.b', 'a_b', 'a\n', 'a'.repeat(64)],
    },
    {
      name: 'DNS subdomain',
      check: dnsSubdomain,
      legal: ['a', 'a.b', '1.2', 'a'.repeat(253)],
      wrong: ['', 'a..b', '.a', 'a.', 'A', 'a/b', 'a'.repeat(254)],
    },
    { name: 'DNS label of Services', check: dns1035Label, legal: ['a', 'a1'], wrong: ['', '1a', 'a.b'] },
    { name: 'label value', check: labelValue, legal: ['', 'A_b.c-1', '0'], wrong: ['-a', 'a-', 'a b', 'a/b', 'a'.repeat(64)] },
    {
      name: 'qualified name',
      check: qualifiedName,
      legal: ['a', 'a.b/c', 'A_b', `${'a'.repeat(253)}/b`],
      wrong: ['', '/a', 'a/', 'a/b/c', 'A/b', 'a b', `a/${'b'.repeat(64)}`],
    },
    { name: 'path segment', check: pathSegment, legal: ['a', '...'], wrong: ['.', '..', 'a/b', 'a%b'] },
    { name: 'key of a ConfigMap', check: configMapKey, legal: ['a', '.a', 'A_b.c-'], wrong: ['', '.', '..', '..a', 'a/b'] },
    { name: 'port name', check: portName, legal: ['http', 'a-1'], wrong: ['', '1', 'a--b', '-a', 'A', 'a'.repeat(16)] },
    {
      name: 'IP address',
      check: ipAddress,
      legal: ['0.0.0.0', '255.255.255.255', '::', '::1', '2001:db8::1', '1:2:3:4:5:6:7:8', '::ffff:10.0.0.1', '1::'],
      wrong: [
        '',
        '256.0.0.1',
        '1.2.3',
        '01.2.3.4',
        '1.2.3.4.5',
        ':::',
        '1::2::3',
        '1:2:3:4:5:6:7',
        '1:2:3:4:5:6:7:8:9',
        '12345::',
        'fe80::1%eth0',
        'x',
      ],
    },
    {
      name: 'range of addresses',
      check: cidr,
      legal: ['10.0.0.0/8', '0.0.0.0/0', 'fd00::/128'],
      wrong: ['', '10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '/8'],
    },
  ]
  cases(rows, ({ check, legal, wrong }) => {
    const verdicts = (names: string[]) => names.filter((name) => check(name).length === 0)
    assert.deepEqual(verdicts([...legal, ...wrong]), legal)
  })
})
