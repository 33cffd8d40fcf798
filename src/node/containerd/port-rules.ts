// Removes the iptables rules that the portmap plugin made for Pods which CNI can no longer be asked about.
import { command } from './command.ts'

const natTable = ['-w', '5', '-t', 'nat']

const rulesNow = async (): Promise<string[]> => (await command('iptables', [...natTable, '-S'])).stdout.split('\n')

/** Each host port is a rule that names its network, and a chain of its own. Does nothing where there is no iptables. */
export async function removePortRules(network: string): Promise<void> {
  const rules = await rulesNow()
  for (const rule of rules.filter((line) => line.startsWith('-A CNI-') && line.includes(network))) {
    await deleteRule(rule)
    const chain = /-j (CNI-(?:DN|SN)-\S+)/.exec(rule)?.[1]
    if (chain) await deleteChain(chain)
  }
  if (rules.includes('-N CNI-HOSTPORT-DNAT')) await removeUnusedChains()
}

/** portmap's own chains serve every network of the machine, and it makes them anew when it needs them. */
async function removeUnusedChains(): Promise<void> {
  const rules = await rulesNow()
  if (rules.some((line) => line.startsWith('-A CNI-HOSTPORT-DNAT '))) return
  for (const rule of rules.filter((line) => /^-A (PREROUTING|OUTPUT|POSTROUTING) .*-j CNI-HOSTPORT-/.test(line)))
    await deleteRule(rule)
  for (const name of ['DNAT', 'MASQ', 'SETMARK']) await deleteChain(`CNI-HOSTPORT-${name}`)
}

async function deleteChain(name: string): Promise<void> {
  for (const flag of ['-F', '-X']) await command('iptables', [...natTable, flag, name])
}

const deleteRule = (rule: string) => command('iptables', [...natTable, '-D', ...wordsOf(rule).slice(1)])

/** The words of a rule as `iptables -S` prints it, quotes taken off. */
export const wordsOf = (rule: string): string[] =>
  [...rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '')
