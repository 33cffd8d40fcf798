// Flags that several commands share.
import { InvalidArgumentError, Option } from 'commander'

export const dataDirOption = () =>
  new Option('--data-dir <dir>', 'where the cluster keeps everything (default: /var/lib/polypod as root; env POLYPOD_DATA_DIR)')

export const outputOption = () => new Option('-o, --output <format>', 'output format').choices(['json'])

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    return value
  }
}

export function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim())
  if (list.some((name) => name === '')) throw new InvalidArgumentError('It must be names with commas between them.')
  return list
}
