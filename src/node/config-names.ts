// Which ConfigMaps and Secrets a Pod's spec names.
import type { Pod } from '../api/core/pod.ts'

export interface ConfigNames {
  configMaps: string[]
  secrets: string[]
}

/** Of env, envFrom, volumes and imagePullSecrets; each name once. */
export function configNames({ spec }: Pod): ConfigNames {
  const containers = [...spec.containers, ...(spec.initContainers ?? []), ...(spec.ephemeralContainers ?? [])]
  const env = containers.flatMap((c) => (c.env ?? []).flatMap((e) => e.valueFrom ?? []))
  const envFrom = containers.flatMap((c) => c.envFrom ?? [])
  const volumes = spec.volumes ?? []
  const projections = volumes.flatMap((v) => v.projected?.sources ?? [])
  const configMaps = [
    ...env.map((e) => e.configMapKeyRef?.name),
    ...envFrom.map((e) => e.configMapRef?.name),
    ...volumes.map((v) => v.configMap?.name),
    ...projections.map((p) => p.configMap?.name),
  ]
  const secrets = [
    ...env.map((e) => e.secretKeyRef?.name),
    ...envFrom.map((e) => e.secretRef?.name),
    ...volumes.map((v) => v.secret?.secretName),
    ...projections.map((p) => p.secret?.name),
    ...(spec.imagePullSecrets ?? []).map((s) => s.name),
  ]
  return { configMaps: named(configMaps), secrets: named(secrets) }
}

const named = (names: (string | undefined)[]): string[] => [...new Set(names.filter((name) => !!name))] as string[]
