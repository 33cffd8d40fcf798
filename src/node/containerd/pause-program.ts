// The smallest program that holds a sandbox open: a static ELF file, made here byte by byte. It ignores SIGCHLD with
// SA_NOCLDWAIT, so that orphans of a shared process namespace leave no zombies, and then waits for ever.

type Machine = { elf: number; code: number[] }

const u32 = (value: number) => [value & 255, (value >> 8) & 255, (value >> 16) & 255, (value >>> 24) & 255]
const zeros = (count: number) => Array.from({ length: count }, () => 0)
/** struct sigaction of the kernel: SIG_IGN, SA_NOCLDWAIT, no restorer, empty mask. */
const ignore = [1, ...zeros(7), 2, ...zeros(7), ...zeros(16)]

const x64: Machine = {
  elf: 62,
  code: [
    [0xb8, ...u32(13)], // mov eax, SYS_rt_sigaction
    [0xbf, ...u32(17)], // mov edi, SIGCHLD
    [0x48, 0x8d, 0x35, ...u32(19)], // lea rsi, [rip + ignore]
    [0x31, 0xd2], // xor edx, edx
    [0x41, 0xba, ...u32(8)], // mov r10d, 8
    [0x0f, 0x05], // syscall
    [0xb8, ...u32(34)], // wait: mov eax, SYS_pause
    [0x0f, 0x05], // syscall
    [0xeb, 0xf7], // jmp wait
    ignore,
  ].flat(),
}

const movz = (register: number, value: number) => u32((0xd2800000 | (value << 5) | register) >>> 0)
const svc = u32(0xd4000001)

const arm64: Machine = {
  elf: 183,
  code: [
    ...movz(8, 134), // rt_sigaction
    ...movz(0, 17), // SIGCHLD
    ...u32(0x10000001 | (12 << 5)), // adr x1, ignore: 12 instructions on
    ...movz(2, 0),
    ...movz(3, 8),
    ...svc,
    ...movz(8, 73), // wait: ppoll
    ...movz(0, 0),
    ...movz(1, 0),
    ...movz(2, 0),
    ...movz(3, 0),
    ...movz(4, 0),
    ...svc,
    ...u32(0x17fffff9), // b wait: 7 instructions back
    ...ignore,
  ],
}

const machines: Partial<Record<string, Machine>> = { x64, arm64 }

/** The program for `arch` (Node's name); undefined where we have none, and busybox's sleep must do. */
export function pauseProgram(arch: string): Buffer | undefined {
  const machine = machines[arch]
  if (!machine) return undefined
  const base = 0x400000
  const headers = 64 + 56
  const file = Buffer.alloc(headers + machine.code.length)
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(machine.elf, 18)
  file.writeUInt32LE(1, 20)
  file.writeBigUInt64LE(BigInt(base + headers), 24)
  file.writeBigUInt64LE(64n, 32)
  file.writeUInt16LE(64, 52)
  file.writeUInt16LE(56, 54)
  file.writeUInt16LE(1, 56)
  // one segment: the whole file, readable and executable
  file.writeUInt32LE(1, 64)
  file.writeUInt32LE(5, 68)
  file.writeBigUInt64LE(BigInt(base), 80)
  file.writeBigUInt64LE(BigInt(base), 88)
  file.writeBigUInt64LE(BigInt(file.length), 96)
  file.writeBigUInt64LE(BigInt(file.length), 104)
  file.writeBigUInt64LE(0x1000n, 112)
  Buffer.from(machine.code).copy(file, headers)
  return file
}
