// RuntimeClass, with a note on the Pod of what the class brought: nobody could tell afterwards what the Pod had asked for itself.
import { Pod } from '../api/core/pod.ts'
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { sameValue } from '../api/equal.ts'
import { admissionAnnotation, type AdmissionNote, admissionNoteOf } from '../api/polypod/trace-notes.ts'
import type { AdmissionRequest, Plugin } from './chain.ts'
import { runtimeClass } from './runtime-class.ts'

/** Pods without a class are left as they are. k8s: LimitRanger notes what it set in an annotation, too. */
export const recordedRuntimeClass: Plugin = {
  ...runtimeClass,
  async mutate(request) {
    const before = request.object as Pod
    const after = (await runtimeClass.mutate?.(request)) as Pod
    const { runtimeClassName } = after.spec
    if (runtimeClassName === undefined) return after
    const at = new Date(request.nowMs).toISOString()
    const begun = admissionNoteOf(before)
    const note: AdmissionNote = {
      ...{ at, class: runtimeClassName },
      // what a copied Pod brings along was noted at another time
      ...(begun?.from === 'namespace' && begun.at === at ? { from: begun.from } : {}),
      ...{ handler: await handlerNow(request, runtimeClassName) },
      ...brought(before, after),
    }
    const annotations = { ...after.metadata.annotations, [admissionAnnotation]: JSON.stringify(note) }
    return { ...after, metadata: { ...after.metadata, annotations } }
  },
}

async function handlerNow({ read }: AdmissionRequest, name: string): Promise<string> {
  const found = read.cached(RuntimeClass, { name }) ?? (await read.live(RuntimeClass, { name }))
  return found?.handler ?? ''
}

function brought({ spec: before }: Pod, { spec: after }: Pod): Pick<AdmissionNote, 'overhead' | 'nodeSelector' | 'tolerations'> {
  const keys = Object.entries(after.nodeSelector ?? {}).filter(([key]) => !Object.hasOwn(before.nodeSelector ?? {}, key))
  const tolerations = (after.tolerations ?? []).filter((one) => !before.tolerations?.some((other) => sameValue(one, other)))
  return {
    ...(after.overhead && !before.overhead ? { overhead: after.overhead } : {}),
    ...(keys.length > 0 ? { nodeSelector: Object.fromEntries(keys) } : {}),
    ...(tolerations.length > 0 ? { tolerations } : {}),
  }
}
