// Who is calling: the client certificate's CN is the user, its O the groups.
import type { TLSSocket } from 'node:tls'
import type { User } from '../admission/chain.ts'

/** undefined without a certificate that our CA signed and that is valid now. */
export function userOf(socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>): User | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  const name = [subject?.CN ?? ''].flat().at(-1)
  if (!name) return undefined
  const groups = [subject.O ?? []].flat()
  return { name, groups: [...groups.filter((group) => group !== 'system:authenticated'), 'system:authenticated'] }
}
