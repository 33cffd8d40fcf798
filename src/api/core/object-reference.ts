// References to other objects, by name.
import { object, optional, text } from '../schema.ts'

export const objectReference = object(
  {
    kind: optional(text()),
    namespace: optional(text()),
    name: optional(text()),
    uid: optional(text()),
    apiVersion: optional(text()),
    resourceVersion: optional(text()),
    fieldPath: optional(text()),
  },
  { name: 'io.k8s.api.core.v1.ObjectReference', atomic: true },
)

export const localObjectReference = object(
  { name: optional(text()) },
  { name: 'io.k8s.api.core.v1.LocalObjectReference', atomic: true },
)
