// NamespaceLifecycle: nothing is written to a namespace that is missing, nothing is created in one that is going away.
import { Namespace } from '../api/core/namespace.ts'
import { notFound, StatusError } from '../api/status.ts'
import type { AdmissionRequest, Plugin } from './chain.ts'
import { denied } from './denied.ts'

const immortal: readonly string[] = ['default', 'kube-system', 'kube-public']

export const namespaceLifecycle: Plugin = {
  name: 'NamespaceLifecycle',
  verbs: ['create', 'update', 'delete'],
  subresources: ['status', 'binding'],
  // k8s: refuses in the first phase, before any later plugin looks at the object
  async mutate(request) {
    await checkNamespace(request)
    return request.object
  },
  validate(request) {
    if (request.verb === 'delete' && request.kind.kind === Namespace.kind && immortal.includes(request.name))
      throw denied(request, 'this namespace may not be deleted')
  },
}

async function checkNamespace(request: AdmissionRequest): Promise<void> {
  const { verb, kind, namespace } = request
  if (namespace === undefined || kind.kind === Namespace.kind) return
  const ref = { name: namespace }
  const found = request.read.cached(Namespace, ref) ?? (await request.read.live(Namespace, ref))
  if (!found) throw notFound(Namespace, namespace)
  if (verb === 'create' && found.status.phase === 'Terminating') throw terminating(request, namespace)
}

/** The 403 whose cause tells clients (kubectl, controllers) that trying again is useless. */
function terminating(request: AdmissionRequest, namespace: string): StatusError {
  const { status } = denied(request, `unable to create new content in namespace ${namespace} because it is being terminated`)
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${namespace} is being terminated`,
    field: 'metadata.namespace',
  }
  return new StatusError({ ...status, details: { ...status.details, causes: [cause] } })
}
