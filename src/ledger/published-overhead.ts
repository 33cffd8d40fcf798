// What others say a sandbox costs, to hold a measurement against. Facts with their sources, looked up in November 2026.
import type { ResourceList } from '../api/core/resources.ts'

export interface PublishedOverhead {
  /** For which runtime, as the source calls it. */
  of: string
  podFixed: ResourceList
  source: string
}

const kataDeploy = 'kata-containers, tools/packaging/kata-deploy/runtimeclasses'

const table: readonly { handlers: RegExp; published: readonly PublishedOverhead[] }[] = [
  {
    handlers: /^kata/,
    published: [
      { of: 'kata-qemu', podFixed: { cpu: '250m', memory: '160Mi' }, source: kataDeploy },
      { of: 'kata-clh, kata-fc, kata-dragonball', podFixed: { cpu: '250m', memory: '130Mi' }, source: kataDeploy },
      { of: 'kata-qemu-tdx, -snp, -se', podFixed: { cpu: '1', memory: '2Gi' }, source: kataDeploy },
      { of: 'kata-fc', podFixed: { cpu: '250m', memory: '120Mi' }, source: 'kubernetes.io, Pod Overhead (an example)' },
    ],
  },
  {
    handlers: /^(gvisor|runsc)/,
    published: [
      { of: 'gVisor, at least', podFixed: { memory: '19M' }, source: 'reports of users: 19 to 60 MB per sandbox' },
      { of: 'gVisor, at most', podFixed: { memory: '60M' }, source: 'reports of users: 19 to 60 MB per sandbox' },
    ],
  },
]

/** Empty where nobody published a number for such a handler. */
export const publishedOverhead = (handler: string): readonly PublishedOverhead[] =>
  table.find(({ handlers }) => handlers.test(handler))?.published ?? []
