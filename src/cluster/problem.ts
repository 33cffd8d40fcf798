// Troubles a user can mend: one line that says what is wrong and what to do, and the exit code of the CLI.

export const exitCodes = {
  failed: 1,
  usage: 2,
  dataDirInUse: 3,
  portTaken: 4,
  notRoot: 5,
  noContainerd: 6,
  corrupt: 7,
  notRunning: 8,
} as const

export class Problem extends Error {
  override name = 'Problem'
  readonly exitCode: number
  constructor(what: keyof typeof exitCodes, message: string, cause?: unknown) {
    super(message, { cause })
    this.exitCode = exitCodes[what]
  }
}
