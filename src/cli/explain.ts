// polypod explain
import { readFile } from 'node:fs/promises'
import { Argument, type Command } from 'commander'
import { Pod } from '../api/core/pod.ts'
import { PodExplanation } from '../api/polypod/pod-explanation.ts'
import { isRecord } from '../api/schema.ts'
import { isNotFound, statusOf } from '../api/status.ts'
import { clientFromKubeconfig, type HttpClient } from '../client/http.ts'
import { exitCodes, Problem } from '../cluster/problem.ts'
import { yaml } from '../lib/lazy-yaml.ts'
import { adminClient } from './admin-client.ts'
import { explanationText } from './explain-text.ts'
import { dataDirOption, outputOption } from './flags.ts'
import { json, print } from './output.ts'
import { runningDir } from './running-dir.ts'

const examples = `
Exits with 0 when nothing is in the Pod's way, with 1 otherwise.

Examples:
  polypod explain pod web -n shop
  polypod explain -f pod.yaml
  kubectl get podexplanations -A`

export function explain(program: Command): void {
  program
    .command('explain')
    .description('Say why a Pod waits, is stuck or would be refused, node by node, and the smallest change that lets it run')
    .addArgument(new Argument('[kind]', 'what to explain').choices(['pod', 'pods', 'po']))
    .argument('[name]', 'name of the Pod')
    .option('-n, --namespace <namespace>', 'namespace of the Pod (default: default, or what the manifest says)')
    .option('-f, --filename <file>', 'explain a manifest that is not created yet; - is standard input')
    .option('--kubeconfig <file>', 'of the cluster to ask (default: that of the data directory)')
    .addOption(dataDirOption())
    .addOption(outputOption())
    .addHelpText('after', examples)
    .action(async (kind: string | undefined, name: string | undefined, flags: Flags) => {
      const asked = askedFor(kind, name, flags)
      const client = await clientOf(flags)
      try {
        const found = 'file' in asked ? await ofFile(client, asked.file, flags) : [await ofPod(client, asked.name, flags)]
        print(flags.output === 'json' ? json(found.length === 1 ? found[0] : found) : found.map(explanationText).join('\n'))
        if (found.some(({ status }) => (status?.causes ?? []).length > 0)) process.exitCode = exitCodes.failed
      } finally {
        await client.close()
      }
    })
}

interface Flags {
  namespace?: string
  filename?: string
  kubeconfig?: string
  dataDir?: string
  output?: 'json'
}

function askedFor(kind: string | undefined, name: string | undefined, { filename }: Flags): { file: string } | { name: string } {
  if (filename !== undefined) {
    if (kind !== undefined) throw new Problem('usage', 'give either `pod NAME` or `-f FILE`, not both')
    return { file: filename }
  }
  if (name === undefined) throw new Problem('usage', 'say which Pod: `polypod explain pod NAME`, or `-f FILE` for a manifest')
  return { name }
}

async function clientOf({ kubeconfig, dataDir }: Flags): Promise<HttpClient> {
  if (kubeconfig === undefined) return adminClient(await runningDir(dataDir))
  return clientFromKubeconfig(kubeconfig).catch((error: Error) => {
    throw new Problem('failed', `kubeconfig ${kubeconfig} cannot be read: ${error.message}`, error)
  })
}

async function ofPod(client: HttpClient, name: string, { namespace = 'default' }: Flags): Promise<PodExplanation> {
  return client.get(PodExplanation, { namespace, name }).catch(async (error: unknown) => {
    if (!isNotFound(error) || statusOf(error)?.details?.kind !== Pod.plural) throw error
    throw new Problem(
      'failed',
      `there is no Pod ${name} in namespace ${namespace}: \`-f\` explains a manifest that is not created`,
    )
  })
}

async function ofFile(client: HttpClient, file: string, flags: Flags): Promise<PodExplanation[]> {
  const pods = podsIn(await manifestsIn(file), file)
  const explained: PodExplanation[] = []
  for (const pod of pods) explained.push(await ofManifest(client, pod, file, flags))
  return explained
}

async function ofManifest(client: HttpClient, pod: Manifest, file: string, flags: Flags): Promise<PodExplanation> {
  const said = pod.metadata?.namespace
  if (flags.namespace !== undefined && typeof said === 'string' && said !== flags.namespace)
    throw new Problem('usage', `${file} is for namespace ${said}, and not for ${flags.namespace}`)
  const namespace = flags.namespace ?? (typeof said === 'string' ? said : 'default')
  const given = pod.metadata?.name ?? pod.metadata?.generateName
  const name = typeof given === 'string' ? given : ''
  const { apiVersion, kind } = PodExplanation
  const asked = {
    apiVersion,
    kind,
    metadata: { name, namespace },
    spec: { pod: { ...pod, metadata: { ...pod.metadata, namespace } } },
  }
  return client.create(PodExplanation, asked).catch((error: unknown) => {
    const status = statusOf(error)
    if (status?.code !== 400) throw error
    throw new Problem('failed', `${file}: ${status.message}`, error)
  })
}

type Manifest = Record<string, unknown> & { metadata?: Record<string, unknown> }

async function manifestsIn(file: string): Promise<unknown[]> {
  const text = await (file === '-' ? standardInput() : readFile(file, 'utf8')).catch((error: Error) => {
    throw new Problem('failed', `${file} cannot be read: ${error.message}`, error)
  })
  const documents = yaml().parseAllDocuments(text)
  return [...documents].map((document) => {
    const [wrong] = document.errors
    if (wrong) throw new Problem('failed', `${file} is no YAML: ${wrong.message.split('\n')[0]}`)
    return document.toJS() as unknown
  })
}

async function standardInput(): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(part as Buffer)
  return Buffer.concat(parts).toString('utf8')
}

/** Pods, those of Lists, and those that a template makes (Deployment, Job, ...). */
function podsIn(manifests: readonly unknown[], file: string): Manifest[] {
  const found = manifests.filter(isRecord).flatMap((one) => podsOf(one))
  if (found.length === 0) throw new Problem('failed', `${file} has no Pod in it, and nothing with a Pod template`)
  return found
}

function podsOf(manifest: Record<string, unknown>): Manifest[] {
  if (manifest.kind === 'Pod') return [manifest as Manifest]
  if (Array.isArray(manifest.items)) return manifest.items.filter(isRecord).flatMap(podsOf)
  const spec = isRecord(manifest.spec) ? manifest.spec : {}
  if (isRecord(spec.jobTemplate)) return podsOf({ ...spec.jobTemplate, metadata: manifest.metadata })
  if (!isRecord(spec.template) || !isRecord(spec.template.spec)) return []
  const { name, namespace } = isRecord(manifest.metadata) ? manifest.metadata : {}
  const own = isRecord(spec.template.metadata) ? spec.template.metadata : {}
  const metadata = {
    ...own,
    generateName: `${typeof name === 'string' ? name : 'pod'}-`,
    ...(namespace === undefined ? {} : { namespace }),
  }
  return [{ apiVersion: 'v1', kind: 'Pod', metadata, spec: spec.template.spec }]
}
