import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { it } from 'vitest'
import { kubernetesMinor, kubernetesVersion, polypodVersion } from './version.ts'

it('is the version of the package', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  assert.equal(polypodVersion, (JSON.parse(text) as { version: string }).version)
})

it('names one Kubernetes', () => {
  assert.ok(kubernetesVersion.startsWith(`v${kubernetesMinor.major}.${kubernetesMinor.minor}.`))
})
