// Images of our own, because no registry may be reachable: the pause image, and a busybox to try things with.
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { Runtime } from '../cri/runtime.ts'
import { command } from './command.ts'
import { type LocalImage, ociArchive } from './oci-archive.ts'
import { pauseProgram } from './pause-program.ts'

export const pauseImage = 'polypod.dev/pause:1'
export const busyboxImage = 'polypod.dev/busybox:1'

/** Rejects when there is neither a program of ours for this machine nor a busybox. `busybox` is the path of a static one. */
export async function pauseOf(arch: string, busybox: string | undefined): Promise<LocalImage> {
  const program = pauseProgram(arch)
  if (program) return { name: pauseImage, layer: [{ path: 'pause', content: program, mode: 0o755 }], entrypoint: ['/pause'] }
  if (busybox === undefined) throw new Error(`no pause program for ${arch}: install busybox-static`)
  return { name: pauseImage, layer: await busyboxLayer(busybox), entrypoint: ['/bin/sleep', 'infinity'] }
}

export const busyboxOf = async (path: string): Promise<LocalImage> => ({
  name: busyboxImage,
  layer: await busyboxLayer(path),
  cmd: ['sh'],
})

async function busyboxLayer(path: string): Promise<LocalImage['layer']> {
  const content = await readFile(path)
  if (!isStatic(content)) throw new Error(`${path} needs shared libraries: install busybox-static`)
  const { stdout } = await command(path, ['--list'])
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')
  return [
    ...['bin', 'etc', 'home', 'root', 'tmp', 'var'].map((name) => ({
      path: `${name}/`,
      directory: true,
      mode: name === 'tmp' ? 0o1777 : 0o755,
    })),
    { path: 'bin/busybox', content, mode: 0o755 },
    ...applets.map((name) => ({ path: `bin/${name}`, link: 'busybox', mode: 0o777 })),
    { path: 'etc/passwd', content: Buffer.from('root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n') },
    { path: 'etc/group', content: Buffer.from('root:x:0:\nnobody:x:65534:\n') },
  ]
}

/** Whether a 64-bit little-endian ELF file names no interpreter (program header of type 3). */
export function isStatic(file: Buffer): boolean {
  if (file.toString('latin1', 0, 4) !== '\x7fELF' || file[4] !== 2 || file[5] !== 1) return false
  const [at, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)]
  return Array.from({ length: count }, (_, i) => file.readUInt32LE(at + i * size)).every((type) => type !== 3)
}

export interface ImageStore {
  runtime: Pick<Runtime, 'imageStatus'>
  socket: string
  ctr: string
  snapshotter: string
  /** Where the archive lies while it is read. */
  dir: string
  clock: Clock
}

/** Makes `images` known to containerd and to its CRI side. */
export async function importImages(store: ImageStore, images: readonly LocalImage[]): Promise<void> {
  if (images.length === 0) return
  const archive = join(store.dir, 'import.tar')
  await writeFile(archive, ociArchive(images, process.arch))
  const args = [
    '--address',
    store.socket,
    '--namespace',
    'k8s.io',
    'images',
    'import',
    '--snapshotter',
    store.snapshotter,
    archive,
  ]
  const { code, stderr } = await command(store.ctr, args)
  await rm(archive)
  if (code !== 0) throw new Error(`${store.ctr} images import failed: ${stderr.trim()}`)
  for (const { name } of images) await untilKnown(store, name)
}

/** CRI hears of an import through an event, a moment later. */
async function untilKnown({ runtime, clock }: ImageStore, name: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await runtime.imageStatus(name)) return
    await clock.sleep(10)
  }
  throw new Error(`image ${name} was imported, but CRI does not know it`)
}
