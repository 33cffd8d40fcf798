// What is mounted on this machine, and the three changes a kubelet makes to it.
import { readFile } from 'node:fs/promises'
import { command } from '../containerd/command.ts'

export interface MountPoint {
  path: string
  type: string
}

/** Mount points at `folder` and below, in the order they were mounted. None where there is no /proc. */
export async function mountsUnder(folder: string): Promise<MountPoint[]> {
  const table = await readFile('/proc/self/mountinfo', 'utf8').catch(() => '')
  return parseMountinfo(table).filter(({ path }) => path === folder || path.startsWith(`${folder}/`))
}

function parseMountinfo(table: string): MountPoint[] {
  return table.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const path = before.split(' ')[4]
    return path === undefined ? [] : [{ path: unescaped(path), type: after.split(' ')[0] ?? '' }]
  })
}

/** The kernel writes space, tab, line feed and backslash as octal. */
const unescaped = (text: string): string =>
  text.replace(/\\(?<code>[0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))

/** Whether this process may mount at all: CAP_SYS_ADMIN is in its effective set. */
export async function mayMount(): Promise<boolean> {
  const status = await readFile('/proc/self/status', 'utf8').catch(() => '')
  const effective = BigInt(`0x${/^CapEff:\s*(?<set>[0-9a-f]+)$/m.exec(status)?.groups?.['set'] ?? '0'}`)
  return ((effective >> 21n) & 1n) === 1n
}

/** Rejects with mount(8)'s own words. */
export async function mountTmpfs(path: string, sizeBytes: number | undefined): Promise<void> {
  const options = sizeBytes === undefined ? 'rw' : `rw,size=${sizeBytes}`
  await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path])
}

/** `source` is taken as it stands: it may be a /proc/<pid>/fd link. */
export const bindMount = (source: string, target: string): Promise<void> =>
  run('mount', ['--no-canonicalize', '--bind', source, target])

/** Also what is busy: it goes away when its last user does. */
export const unmount = (path: string): Promise<void> => run('umount', ['--no-canonicalize', '--lazy', path])

async function run(tool: string, args: readonly string[]): Promise<void> {
  const { code, stderr } = await command(tool, args)
  if (code !== 0) throw new Error(stderr.trim() || `${tool} ${args.join(' ')}: exit code ${code}`)
}
