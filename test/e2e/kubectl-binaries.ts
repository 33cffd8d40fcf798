// The kubectls the streaming tests run: the one on PATH, and an old one (1.20, SPDY only) where KUBECTL_1_20 names it.
import { run } from './stream-stub.ts'

export interface KubectlBinary {
  name: string
  path: string
  /** Whether it tries WebSocket first (since 1.31). */
  webSocket: boolean
  /** Of its version 1.minor; 0 when it is missing. */
  minor: number
  missing?: string
}

export async function kubectlBinaries(): Promise<KubectlBinary[]> {
  const old = process.env.KUBECTL_1_20
  return [
    { name: 'kubectl on PATH', path: 'kubectl', ...(await probe('kubectl', 'kubectl is not on PATH')) },
    { name: 'kubectl 1.20', path: old ?? '', ...(await probe(old, 'KUBECTL_1_20 is not set, or does not run')) },
  ]
}

async function probe(path: string | undefined, missing: string): Promise<Pick<KubectlBinary, 'webSocket' | 'minor' | 'missing'>> {
  try {
    const { stdout } = await run(path ?? '', ['version', '--client', '--output=json'])
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { minor: string } }
    const minor = Number.parseInt(clientVersion.minor, 10)
    return { webSocket: minor >= 31, minor }
  } catch {
    return { webSocket: false, minor: 0, missing }
  }
}
