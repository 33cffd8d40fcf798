// polypod measure --apply: the recommended overhead becomes what a RuntimeClass declares.
import { RuntimeClass } from '../api/node/runtime-class.ts'
import { type HandlerMeasurement, listText } from '../api/polypod/handler-measurement.ts'
import type { Client } from '../client/client.ts'

/** Says on the class where its numbers come from. */
export const measuredByAnnotation = 'polypod.dev/overhead-measured-by'

/**
 * Changes the class that is called as the handler, or the only one that names it; makes one where there is none. Says what was done,
 * or why nothing: which of several classes is meant, only a user can know. Pods that are there keep their overhead.
 */
export async function applyOverhead(
  client: Client,
  classes: readonly RuntimeClass[],
  { metadata, spec: { handler }, status }: HandlerMeasurement,
): Promise<string> {
  const podFixed = status.recommended?.podFixed ?? {}
  const annotations = { [measuredByAnnotation]: `${metadata.namespace ?? ''}/${metadata.name}` }
  const chosen = classes.find((one) => one.metadata.name === handler) ?? (classes.length === 1 ? classes[0] : undefined)
  if (!chosen) {
    if (classes.length > 0)
      return `nothing: ${classes.map((one) => one.metadata.name).join(', ')} all name the handler, and none is called ${handler}`
    const object = RuntimeClass.decode(
      { metadata: { name: handler, annotations }, handler, overhead: { podFixed } },
      { unknown: [] },
    )
    await client.create(RuntimeClass, object)
    return `made RuntimeClass ${handler} with ${listText(podFixed)}`
  }
  const before = chosen.overhead?.podFixed
  // whole: what the old one declared and the new one does not is gone
  await client.update(RuntimeClass, {
    ...chosen,
    metadata: { ...chosen.metadata, annotations: { ...chosen.metadata.annotations, ...annotations } },
    overhead: { podFixed },
  })
  return `RuntimeClass ${chosen.metadata.name} now declares ${listText(podFixed)} (before: ${listText(before) || 'nothing'})`
}
