import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { Pod } from '../core/pod.ts'
import { admissionAnnotation, admissionNoteOf } from './trace-notes.ts'

const note = { at: '2026-01-02T03:04:05.678Z', class: 'kata', handler: 'kata' }

describe('the note of admission', () => {
  cases(
    [
      { name: 'is read back', text: JSON.stringify(note), want: note },
      {
        name: 'is none of another class, as of a copied Pod',
        text: JSON.stringify({ ...note, class: 'gvisor' }),
        want: undefined,
      },
      { name: 'is none that is no JSON', text: '{', want: undefined },
      { name: 'is none whose selector is no map', text: JSON.stringify({ ...note, nodeSelector: null }), want: undefined },
      { name: 'is none whose tolerations are no list', text: JSON.stringify({ ...note, tolerations: {} }), want: undefined },
      { name: 'is none whose toleration is no object', text: JSON.stringify({ ...note, tolerations: [null] }), want: undefined },
    ],
    ({ text, want }) => {
      const metadata = { name: 'p', annotations: { [admissionAnnotation]: text } }
      const pod = Pod.decode({ metadata, spec: { runtimeClassName: 'kata', containers: [] } }, { unknown: [] })
      assert.deepEqual(admissionNoteOf(pod), want)
    },
  )
})
