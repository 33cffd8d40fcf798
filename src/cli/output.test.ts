import assert from 'node:assert/strict'
import { it } from 'vitest'
import { table } from './output.ts'

it('aligns columns and leaves no blanks at line ends', () => {
  assert.equal(
    table(
      ['NAME', 'READY'],
      [
        ['a', 'yes'],
        ['longer', ''],
      ],
    ),
    'NAME     READY\na        yes\nlonger\n',
  )
})
