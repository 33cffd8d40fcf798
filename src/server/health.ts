// /version, and the paths that say the server lives.
import { kubernetesMinor, kubernetesVersion } from '../api/version.ts'
import type { Call, Handler } from './call.ts'
import { sendJson, sendText } from './respond.ts'

// the Go fields have no meaning here, but clients expect them
export const version: Handler = (call) =>
  sendJson(call, 200, {
    ...kubernetesMinor,
    gitVersion: kubernetesVersion,
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'typescript',
    platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
  })

/** `ok`, or with `?verbose` one line per check. A server that answers at all has its caches filled. */
export const health: Handler = (call: Call) => {
  const name = call.pathname.split('/')[1] ?? ''
  const text = call.query.has('verbose') ? `[+]ping ok\n[+]store ok\n${name} check passed\n` : 'ok'
  return sendText(call, 200, text)
}
