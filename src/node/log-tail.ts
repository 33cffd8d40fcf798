// Where the last n lines of a CRI log file begin, found from its end.
import type { FileHandle } from 'node:fs/promises'
import { parseLogLine } from './cri/log-line.ts'

const blockBytes = 64 * 1024
const lineFeed = 0x0a

/**
 * Byte offset of the last `lines` lines of the first `size` bytes. A line that the runtime cut into parts counts once
 * (the upstream kubelet counts its parts). Reads blocks backwards: cost is that of the lines wanted, not of the file.
 */
export async function tailStart(file: FileHandle, size: number, lines: number): Promise<number> {
  if (lines <= 0) return size
  let counted = 0
  let carry = Buffer.alloc(0)
  for (let at = size; at > 0; ) {
    const from = Math.max(0, at - blockBytes)
    const block = Buffer.alloc(at - from)
    await file.read(block, 0, block.length, from)
    const bytes = Buffer.concat([block, carry])
    let lineEnd = bytes.length
    for (let start = lineStart(bytes, lineEnd); start > 0; start = lineStart(bytes, lineEnd)) {
      // an unfinished line at the very end is one of the lines wanted
      if (isWhole(bytes.subarray(start, lineEnd)) || from + lineEnd === size) counted += 1
      if (counted > lines) return from + lineEnd
      lineEnd = start
    }
    carry = bytes.subarray(0, lineEnd)
    at = from
  }
  return isWhole(carry) && counted >= lines ? carry.length : 0
}

/** Start of the line whose end is `lineEnd`; 0 when it is not within `bytes`. */
const lineStart = (bytes: Buffer, lineEnd: number): number => (lineEnd < 2 ? 0 : bytes.lastIndexOf(lineFeed, lineEnd - 2) + 1)

const isWhole = (raw: Buffer): boolean => raw.at(-1) === lineFeed && parseLogLine(raw)?.partial !== true
