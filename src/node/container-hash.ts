// What of a container's spec may change under a running Pod and then needs a new container.
import { createHash } from 'node:crypto'
import type { Container } from '../api/core/container.ts'

/** Eight hex digits over name and image. k8s: no other field counts, so that upgrades of the kubelet restart nothing. */
export const containerHash = ({ name, image = '' }: Pick<Container, 'name' | 'image'>): string =>
  createHash('sha256')
    .update(JSON.stringify([name, image]))
    .digest('hex')
    .slice(0, 8)
