import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { encodeFrame, frameDecoder, type Frame } from './spdy-frame.ts'
import { headerCompressor, headerDecompressor, spdyDictionary } from './spdy-headers.ts'

const id = fc.integer({ min: 0, max: 0x7fffffff })
const word = fc.integer({ min: 0, max: 0xffffffff })
const plain = { noNullPrototype: true }
const bytes = fc.uint8Array({ maxLength: 300 }).map((b) => Buffer.from(b))
const fin = fc.boolean()
const kind = <T extends string>(type: T) => fc.constant(type)
const setting = fc.record(
  { id: fc.integer({ min: 0, max: 0xffffff }), flags: fc.integer({ min: 0, max: 255 }), value: word },
  plain,
)

const anyFrame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record(
    {
      type: kind('syn-stream'),
      streamId: id,
      associatedTo: id,
      priority: fc.integer({ min: 0, max: 7 }),
      fin,
      block: bytes,
    },
    plain,
  ),
  fc.record({ type: kind('syn-reply'), streamId: id, fin, block: bytes }, plain),
  fc.record({ type: kind('headers'), streamId: id, fin, block: bytes }, plain),
  fc.record({ type: kind('rst-stream'), streamId: id, status: word }, plain),
  fc.record({ type: kind('settings'), settings: fc.array(setting, { maxLength: 5 }) }, plain),
  fc.record({ type: kind('ping'), id: word }, plain),
  fc.record({ type: kind('goaway'), lastStreamId: id, status: word }, plain),
  fc.record({ type: kind('window-update'), streamId: id, delta: id }, plain),
  fc.record({ type: kind('data'), streamId: id, fin, bytes }, plain),
)

/** Pieces of one DATA frame put together again. */
function joined(frames: Frame[], sizes: number[]): Frame[] {
  const whole: Frame[] = []
  let gathering: Buffer[] | undefined
  for (const frame of frames) {
    if (frame.type !== 'data') {
      whole.push(frame)
      continue
    }
    gathering = [...(gathering ?? []), frame.bytes]
    if (Buffer.concat(gathering).length < (sizes[whole.length] ?? 0)) continue
    whole.push({ ...frame, bytes: Buffer.concat(gathering) })
    gathering = undefined
  }
  return whole
}

describe('SPDY frames', () => {
  it('survive encoding, cutting at any place, and decoding', () => {
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 200 })), (frames, cuts) => {
        const stream = Buffer.concat(frames.map(encodeFrame))
        const decode = frameDecoder()
        const got: Frame[] = []
        let at = 0
        for (const cut of [...cuts, stream.length]) {
          got.push(...decode(stream.subarray(at, at + cut)))
          at += cut
        }
        const sizes = frames.map((f) => (f.type === 'data' ? f.bytes.length : 0))
        assert.deepEqual(joined(got, sizes), frames)
      }),
      { numRuns: 300 },
    )
  })

  it('passes data on before its frame is complete', () => {
    const decode = frameDecoder()
    const frame = encodeFrame({ type: 'data', streamId: 3, fin: true, bytes: Buffer.from('abcdef') })
    assert.deepEqual(decode(frame.subarray(0, 11)), [{ type: 'data', streamId: 3, fin: false, bytes: Buffer.from('abc') }])
    assert.deepEqual(decode(frame.subarray(11)), [{ type: 'data', streamId: 3, fin: true, bytes: Buffer.from('def') }])
  })

  it('skips control frames of an unknown type', () => {
    const unknown = Buffer.from('8003000a00000002ffff', 'hex')
    assert.deepEqual(frameDecoder()(Buffer.concat([unknown, encodeFrame({ type: 'ping', id: 7 })])), [{ type: 'ping', id: 7 }])
  })

  it('refuses another version, and a control frame too large to gather', () => {
    assert.throws(() => frameDecoder()(Buffer.from('8002000600000004', 'hex')), RangeError)
    assert.throws(() => frameDecoder()(Buffer.from('8003000100ffffff', 'hex')), RangeError)
  })
})

describe('SPDY header blocks', () => {
  it('use the dictionary of the draft', async () => {
    assert.equal(spdyDictionary.length, 1423)
    const compress = headerCompressor()
    // 78bb: deflate with a preset dictionary, whose Adler-32 the draft's own dictionary gives as e3c6a7c2
    assert.equal((await compress.code({ a: 'b' })).toString('hex', 0, 6), '78bbe3c6a7c2')
    compress.close()
  })

  it('share one context over many blocks', async () => {
    const compress = headerCompressor()
    const decompress = headerDecompressor()
    const header = fc.dictionary(
      fc.string({ minLength: 1 }).map((s) => s.toLowerCase()),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(header, async (headers) => {
        assert.deepEqual(await decompress.code(await compress.code(headers)), { ...headers })
      }),
      { numRuns: 100 },
    )
    compress.close()
    decompress.close()
  })

  it('refuses a block that unfolds beyond all measure', async () => {
    const compress = headerCompressor()
    const decompress = headerDecompressor()
    await assert.rejects(decompress.code(await compress.code({ bomb: 'x'.repeat(1_000_000) })), RangeError)
    compress.close()
    decompress.close()
  })
})
