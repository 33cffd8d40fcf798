// For controllers that keep one object of a name in every namespace.
import type { AnyKind, AnyObject, ObjectOf } from '../api/kind.ts'
import { isAlreadyExists, statusOf } from '../api/status.ts'
import type { Client, Ref } from '../client/client.ts'

/** The namespace of a changed object, as a key. */
export const namespacesOf = ({ object }: { object: Pick<AnyObject, 'metadata'> }): readonly Ref[] => [
  { name: object.metadata.namespace ?? '' },
]

/** Creates `object`, unless it is there already or its namespace is going or gone: a 404, which ends the turn. */
export async function createInNamespace<K extends AnyKind>(client: Client, kind: K, object: ObjectOf<K>): Promise<void> {
  try {
    await client.create(kind, object)
  } catch (error) {
    if (!isAlreadyExists(error) && !isTerminating(error)) throw error
  }
}

const isTerminating = (error: unknown): boolean =>
  statusOf(error)?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false
