// ServiceAccount: every Pod has an account that exists, and its pull secrets.
import { Pod } from '../api/core/pod.ts'
import { ServiceAccount } from '../api/core/service-account.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import type { AdmissionRequest, Plugin } from './chain.ts'
import { plugin } from './chain.ts'
import { denied } from './denied.ts'

const defaultAccount = 'default'
/** How long a Pod waits for the account that a controller makes in a new namespace. */
const patience = { everyMs: 10, tries: 101 }

/**
 * Tokens are not issued, so none is mounted whatever automountServiceAccountToken says; the field is kept as it is.
 * `clock` times the wait for the default account.
 */
export const serviceAccountWith = (clock: Clock): Plugin =>
  plugin({
    name: 'ServiceAccount',
    kind: Pod,
    verbs: ['create'],
    async mutate(request) {
      const name = request.object.spec.serviceAccountName ?? defaultAccount
      const account = await find(request, name, clock)
      if (!account) {
        const where = `${request.namespace ?? ''}/${name}`
        // k8s: the resource is in the singular here
        throw denied(request, `error looking up service account ${where}: serviceaccount "${name}" not found`)
      }
      const spec = { ...request.object.spec, serviceAccountName: name, serviceAccount: name }
      if (!spec.imagePullSecrets?.length && account.imagePullSecrets?.length)
        spec.imagePullSecrets = account.imagePullSecrets.map((secret) => ({ name: secret.name }))
      return { ...request.object, spec }
    },
  })

export const serviceAccount = serviceAccountWith(systemClock)

async function find(request: AdmissionRequest<Pod>, name: string, clock: Clock): Promise<ServiceAccount | undefined> {
  const { namespace, read } = request
  const cached = read.cached(ServiceAccount, { namespace, name })
  if (cached) return cached
  // k8s: only the default account is waited for, as each namespace gets one in a moment
  const tries = name === defaultAccount ? patience.tries : 1
  for (let tried = 1; ; tried += 1) {
    const found = await read.live(ServiceAccount, { namespace, name })
    if (found || tried === tries) return found
    await clock.sleep(patience.everyMs)
  }
}
