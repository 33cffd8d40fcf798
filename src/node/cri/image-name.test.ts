import assert from 'node:assert/strict'
import { describe } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { fullImageName, repositoryOf } from './image-name.ts'

const hex = 'a'.repeat(64)

describe('image names', () => {
  cases(
    [
      { name: 'bare', image: 'busybox', full: 'docker.io/library/busybox:latest', repository: 'docker.io/library/busybox' },
      { name: 'with owner', image: 'me/app:1', full: 'docker.io/me/app:1', repository: 'docker.io/me/app' },
      { name: 'host by dot', image: 'ghcr.io/a/b', full: 'ghcr.io/a/b:latest', repository: 'ghcr.io/a/b' },
      { name: 'host by port', image: 'here:5000/b:2', full: 'here:5000/b:2', repository: 'here:5000/b' },
      { name: 'localhost', image: 'localhost/b', full: 'localhost/b:latest', repository: 'localhost/b' },
      { name: 'digest', image: `b@sha256:${hex}`, full: `docker.io/library/b@sha256:${hex}`, repository: 'docker.io/library/b' },
      { name: 'id', image: `sha256:${hex}`, full: `sha256:${hex}`, repository: `sha256:${hex}` },
    ],
    ({ image, full, repository }) => {
      assert.deepEqual({ full: fullImageName(image), repository: repositoryOf(image) }, { full, repository })
    },
  )
})
