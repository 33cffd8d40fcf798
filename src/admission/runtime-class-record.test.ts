import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { Namespace } from '../api/core/namespace.ts'
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { defaultClassAnnotation } from '../api/polypod/runtime-class-policy.ts'
import { admissionAnnotation, admissionNoteOf } from '../api/polypod/trace-notes.ts'
import { cases } from '../testing/cases.ts'
import { mapReader, noEffects } from '../testing/map-reader.ts'
import { admitted } from './chain.ts'
import { runtimeClassPolicy } from './runtime-class-policy.ts'
import { recordedRuntimeClass } from './runtime-class-record.ts'

const at = '2026-01-02T03:04:05.678Z'
const class_ = { at, class: 'gvisor', handler: 'runsc' }
const sandboxed = { key: 'sandboxed', operator: 'Exists' }
const scheduling = { nodeSelector: { sandbox: 'yes', zone: 'a' }, tolerations: [sandboxed] }
const podFixed = { cpu: '100m' }

describe('RuntimeClass notes on the Pod', () => {
  cases(
    [
      { name: 'nothing when it has no class', rc: {}, spec: {}, annotations: undefined, note: undefined },
      {
        name: 'the class alone when it brings nothing',
        rc: {},
        spec: { runtimeClassName: 'gvisor' },
        annotations: {},
        note: class_,
      },
      {
        name: 'what the class brought, over whatever a copied Pod says',
        rc: { overhead: { podFixed }, scheduling },
        spec: { runtimeClassName: 'gvisor' },
        annotations: { mine: 'stays', [admissionAnnotation]: '{"at":"long ago","class":"gvisor"}' },
        note: { ...class_, overhead: podFixed, nodeSelector: { sandbox: 'yes', zone: 'a' }, tolerations: [sandboxed] },
      },
      {
        name: 'not what the Pod asked for itself',
        rc: { overhead: { podFixed }, scheduling },
        spec: {
          runtimeClassName: 'gvisor',
          overhead: podFixed,
          nodeSelector: { zone: 'a', disk: 'ssd' },
          tolerations: [sandboxed],
        },
        annotations: {},
        note: { ...class_, nodeSelector: { sandbox: 'yes' } },
      },
      {
        name: 'that the namespace gave the class',
        given: 'gvisor',
        rc: { overhead: { podFixed } },
        spec: {},
        annotations: {},
        note: { ...class_, from: 'namespace', overhead: podFixed },
      },
      {
        name: 'not that the namespace gave a class which the Pod names, whatever a copied Pod says',
        given: 'gvisor',
        rc: {},
        spec: { runtimeClassName: 'gvisor' },
        annotations: { [admissionAnnotation]: JSON.stringify({ ...class_, at: '2025-01-01T00:00:00.000Z', from: 'namespace' }) },
        note: class_,
      },
    ],
    async ({ given, rc, spec, annotations, note }) => {
      const containers = [{ name: 'main', image: 'busybox' }]
      const object = Pod.decode(
        { metadata: { name: 'web', namespace: 'ns', annotations }, spec: { containers, ...spec } },
        { unknown: [] },
      )
      const policy = given === undefined ? {} : { [defaultClassAnnotation]: given }
      const read = mapReader([
        RuntimeClass.decode({ metadata: { name: 'gvisor' }, handler: 'runsc', ...rc }, { unknown: [] }),
        Namespace.decode({ metadata: { name: 'ns', annotations: policy } }, { unknown: [] }),
      ])
      const user = { name: 'admin', groups: [] }
      const about = { kind: Pod, name: 'web', namespace: 'ns', object, user, dryRun: false, read, warn: assert.fail }
      const got = (await admitted([runtimeClassPolicy, recordedRuntimeClass], {
        ...noEffects,
        verb: 'create',
        ...about,
        nowMs: Date.parse(at),
      })) as Pod
      assert.deepEqual(admissionNoteOf(got), note)
      assert.equal(got.metadata.annotations?.mine, annotations?.mine)
      assert.equal(got.metadata.annotations === undefined, annotations === undefined)
    },
  )
})
