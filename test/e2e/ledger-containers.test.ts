// The ledger and metrics on real containers: cgroup files of the golden Pod, and what kubectl top says of it.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import type { CheckResult } from '../../src/cli/ledger-check.ts'
import type { LedgerRow } from '../../src/cli/ledger.ts'
import { podCgroups } from '../../src/node/cgroup-fs.ts'
import { instanceName } from '../../src/node/containerd/instance-paths.ts'
import { eventually } from '../../src/testing/eventually.ts'
import { cliCluster, polypod } from './polypod.ts'
import { testedHandlers, whyNotOn } from './real-handlers.ts'

const overhead = 'cpu: 200m, memory: 140Mi'
const objectsOn = (handler: string) => `apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: boxed}
handler: ${handler}
overhead: {podFixed: {${overhead}}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: q}
spec: {hard: {requests.cpu: "2", requests.memory: 1Gi, limits.cpu: "2", limits.memory: 1Gi}}
---
apiVersion: v1
kind: Pod
metadata: {name: golden}
spec:
  runtimeClassName: boxed
  terminationGracePeriodSeconds: 0
  containers:
  - name: main
    image: polypod.dev/busybox:1
    command: [sh, -c, "while :; do :; done"]
    resources: {limits: {cpu: 100m, memory: 100Mi}}
`

for (const handler of testedHandlers) {
  const missing = await whyNotOn(handler)
  describe.skipIf(missing)(`the ledger on ${handler}${missing ? ` (skipped: ${missing})` : ''}`, () => ledgerOn(handler))
}

function ledgerOn(handler: string): void {
  it('agrees with the cgroup files, finds one that was written over, and metrics see containers alone', async (context) => {
    await using cluster = await cliCluster([])
    await cluster.kubectl(['apply', '-f', '-'], objectsOn(handler))
    const field = (path: string) => cluster.kubectl(['get', 'pod', 'golden', '-o', `jsonpath={${path}}`])
    await eventually(async () => (await field('.status.phase')) === 'Running', 60_000)
    const json = async (...args: string[]) =>
      JSON.parse((await polypod('ledger', ...args, '-o', 'json', '--data-dir', cluster.dataDir)).stdout) as unknown
    const [row] = (await json('pod', '-n', 'default')) as LedgerRow[]
    assert.deepEqual(
      [row?.limits.cpu, row?.limits.memory],
      [
        { containers: '100m', overhead: '200m', total: '300m' },
        { containers: '100Mi', overhead: '140Mi', total: '240Mi' },
      ],
    )
    const used = await cluster.kubectl(['get', 'quota', 'q', '-o', 'jsonpath={.status.used}'])
    assert.deepEqual(JSON.parse(used), {
      ...{ 'limits.cpu': '300m', 'limits.memory': '240Mi', 'requests.cpu': '300m', 'requests.memory': '240Mi' },
    })
    const described = await cluster.kubectl(['describe', 'node'])
    assert.match(described, /\n +default +golden +300m \(\d+%\) +300m \(\d+%\) +240Mi \(\d+%\) +240Mi \(\d+%\) /)
    assert.match(described, /\n +cpu +300m \(\d+%\) +300m \(\d+%\)\n +memory +240Mi \(\d+%\) +240Mi \(\d+%\)\n/)
    const healthy = (await json('--check')) as CheckResult
    assert.deepEqual([healthy.compared, healthy.disagreements], [['api', 'quota', 'scheduler', 'kubelet', 'cgroup'], []])

    await aContainerInTop((args) => cluster.kubectl(args), handler === 'gvisor' ? 300 : 100)

    const [measured] = (await json('pod', '-n', 'default')) as LedgerRow[]
    // the pause container and the shim are somebody's cost, and not the container's
    assert.match(measured?.measured?.sandbox.memory ?? '', /^[1-9]/)
    const uid = await field('.metadata.uid')
    const cgroups = await podCgroups({ root: instanceName(cluster.dataDir), driver: 'cgroupfs', log: () => {} })
    const [key] = (await cgroups.list()).filter((pod) => pod.uid === uid)
    if (!key) return context.skip('systemd keeps the cgroups here, and this test does not speak with it')
    const files = await cgroups.read(key)
    assert.deepEqual([files?.cpuQuota, files?.memoryLimitInBytes], [30_000, 251_658_240])
    await cgroups.ensure(key, { ...files, memoryLimitInBytes: 200 * 1024 * 1024 })
    const { disagreements } = (await json('--check')) as CheckResult
    const { nodes } = await cluster.status()
    assert.deepEqual(disagreements, [
      {
        ...{ kind: 'CgroupDiffers', about: { kind: 'Node', name: nodes[0]?.name }, what: 'memory limit of Pod default/golden' },
        ...{ expected: '251658240', found: '209715200', causes: ['Pod default/golden'] },
      },
    ])
  })
}

async function aContainerInTop(kubectl: (args: readonly string[]) => Promise<string>, limit: number): Promise<void> {
  // a loop held to 100m by its own limit, whatever the Pod's cgroup allows, or in gVisor, whose containers have one cgroup, to the
  // Pod's; its first second may show more
  const [, name, cpu] = await eventually(async () => {
    const found = /golden +(main) +(\d+)m +\d+Mi/.exec(await kubectl(['top', 'pod', '--containers']))
    return found && Number(found[2]) > 60 && Number(found[2]) < limit + 30 ? found : undefined
  }, 40_000)
  assert.ok(name === 'main' && Number(cpu) > 0)
  assert.match(await kubectl(['top', 'node']), /\n\S+ +\d+m +\d+% +\d+Mi +\d+%/)
}
