import { filter } from '../filter.ts'

const other = [{ text: "node(s) didn't match the requested node name", unresolvable: true }]

/** A Pod that names its node. */
export const nodeName = filter({
  name: 'NodeName',
  prepare: ({ pod }) => pod.spec.nodeName || undefined,
  check: (wanted: string, node) => (node.name === wanted ? undefined : other),
})
