// Flags of `up` that say how kubelets behave, spelled as the kubelet's own.
import { type Command, InvalidArgumentError } from 'commander'
import { checkKubeletSettings, type KubeletSettings } from '../cluster/kubelet-settings.ts'
import { wholeNumber } from './flags.ts'

type Field = keyof KubeletSettings

/** `memory.available<500Mi,nodefs.available<10%` with `<`, `cpu=100m,memory=1Gi` with `=`. Empty text: nothing. */
function pairs(between: '<' | '='): (text: string) => Record<string, string> {
  return (text) => {
    const found: Record<string, string> = {}
    for (const part of text.split(',').filter((each) => each.trim() !== '')) {
      const [name = '', value = '', ...more] = part.split(between).map((word) => word.trim())
      if (name === '' || value === '' || more.length > 0)
        throw new InvalidArgumentError(`It must be a list such as a${between}1,b${between}2.`)
      found[name] = value
    }
    return found
  }
}

/** Checks each flag as soon as it is read, so that the message names it. */
const checked =
  <F extends Field>(field: F, parse: (text: string) => KubeletSettings[F]) =>
  (text: string): KubeletSettings[F] => {
    const value = parse(text)
    // a soft threshold needs a grace period, which is another flag: that is looked at when all are there
    if (field === 'evictionSoft') return value
    try {
      checkKubeletSettings({ [field]: value })
    } catch (error) {
      throw new InvalidArgumentError(`${(error as Error).message}.`)
    }
    return value
  }

export function addKubeletFlags(command: Command): Command {
  return command
    .option(
      '--eviction-hard <list>',
      'evict Pods at once below these, such as memory.available<500Mi,nodefs.available<5% (default: as kubelets; simulated: never)',
      checked('evictionHard', pairs('<')),
    )
    .option('--eviction-soft <list>', 'evict Pods after a grace period below these', checked('evictionSoft', pairs('<')))
    .option(
      '--eviction-soft-grace-period <list>',
      'such as memory.available=1m30s',
      checked('evictionSoftGracePeriod', pairs('=')),
    )
    .option(
      '--eviction-minimum-reclaim <list>',
      'how much more than the threshold to take back, such as memory.available=100Mi',
      checked('evictionMinimumReclaim', pairs('=')),
    )
    .option(
      '--eviction-pressure-transition-period <duration>',
      'how long pressure is shown after it is over (default: 5m)',
      checked('evictionPressureTransitionPeriod', (text) => text),
    )
    .option('--eviction-max-pod-grace-period <seconds>', 'what Pods get at most below a soft threshold', wholeNumber(0, 86_400))
    .option('--kube-reserved <list>', 'what Pods cannot have, such as cpu=200m,memory=300Mi', checked('kubeReserved', pairs('=')))
    .option('--system-reserved <list>', 'the same, for the rest of the machine', checked('systemReserved', pairs('=')))
    .option('--max-pods <n>', 'Pods per node (default: 110)', wholeNumber(1, 100_000))
    .option(
      '--handler-canary-period <duration>',
      'how often each runtime handler is proved by a throw-away sandbox, beside when something changes or fails; 0: never (default: 5m)',
      checked('handlerCanaryPeriod', (text) => text),
    )
}

const fields: readonly Field[] = [
  ...(['evictionHard', 'evictionSoft', 'evictionSoftGracePeriod', 'evictionMinimumReclaim'] as const),
  ...(['evictionPressureTransitionPeriod', 'evictionMaxPodGracePeriod'] as const),
  ...(['kubeReserved', 'systemReserved', 'maxPods', 'handlerCanaryPeriod'] as const),
]

/** What the flags say of kubelets; undefined: nothing. */
export function kubeletWishes(flags: KubeletSettings): KubeletSettings | undefined {
  const said = fields.flatMap((field) => (flags[field] === undefined ? [] : [[field, flags[field]]]))
  return said.length === 0 ? undefined : (Object.fromEntries(said) as KubeletSettings)
}
