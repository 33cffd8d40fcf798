// Writes ustar archives: just enough for an image layer.

export interface TarEntry {
  path: string
  content?: Uint8Array | undefined
  /** Symbolic link to this target. */
  link?: string | undefined
  directory?: boolean | undefined
  /** Default 0644; 0755 for directories. */
  mode?: number | undefined
}

/** Owner root, time zero: the same entries always give the same bytes. Paths of at most 100 bytes. */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = entry.content ?? new Uint8Array()
    return [header(entry, content.length), content, Buffer.alloc((512 - (content.length % 512)) % 512)]
  })
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

function header({ path, link, directory, mode }: TarEntry, size: number): Buffer {
  if (Buffer.byteLength(path) > 100) throw new Error(`path too long for an archive: ${path}`)
  const block = Buffer.alloc(512)
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, '0')}\0`, at, 'latin1')
  block.write(path, 0)
  octal(mode ?? (directory ? 0o755 : 0o644), 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.fill(0x20, 148, 156)
  block.write(link === undefined ? (directory ? '5' : '0') : '2', 156)
  block.write(link ?? '', 157)
  block.write('ustar\x0000', 257, 'latin1')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return block
}
