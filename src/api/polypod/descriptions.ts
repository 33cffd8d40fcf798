// What `kubectl explain` says of our own kinds: a text for every type and field but apiVersion and kind, which mean what they mean upstream.
// scripts/descriptions.mjs joins them with upstream's; nothing reads them at run time.

type Texts = Readonly<Record<string, string>>

const metadata = 'Name, labels and what else every object has.'

const nodeHandler: Record<string, Texts> = {
  NodeHandler: {
    '': 'NodeHandler is one runtime handler of one node: what is behind it, and whether a sandbox was proved to start on it. Nodes write these themselves, named NODE.HANDLER, in namespace polypod-system.',
    metadata,
    spec: 'spec says which handler of which node this object is about.',
    status: 'status is what the node found out about the handler.',
  },
  NodeHandlerSpec: {
    '': 'NodeHandlerSpec names a runtime handler of a node.',
    nodeName: 'nodeName is the name of the Node. Cannot be updated.',
    handler:
      'handler is the name of the runtime handler, as the handler of a RuntimeClass names it. Must be a DNS label (RFC 1123). Cannot be updated.',
  },
  NodeHandlerStatus: {
    '': 'NodeHandlerStatus is what is known of a runtime handler.',
    isDefault:
      'isDefault is true for the handler of Pods that name no RuntimeClass. If absent, another handler is, or the runtime does not tell.',
    runtimeType:
      'runtimeType is the name by which containerd finds the shim, such as io.containerd.runc.v2, or "simulated" for a handler that runs nothing. If absent, the runtime does not tell.',
    shim: 'shim is the shim that serves Pods of the handler. If absent, nothing is known of it.',
    ociRuntime: 'ociRuntime is the OCI runtime that the shim calls. If absent, the shim is the runtime itself, or nobody tells.',
    features: 'features are what the handler can do, as CRI and the OCI runtime say.',
    configuration:
      "configuration is where containerd's configuration names the handler, read off the containerd that served the last canary. If absent, it could not be seen.",
    canary:
      'canary is the last canary: a throw-away sandbox that shows whether the handler works. If absent, none has ended yet.',
    lastProvedTime: 'lastProvedTime is when the last canary that succeeded was started. If absent, none has.',
    conditions:
      'conditions of the handler. Its one type is Ready: True once a canary has succeeded, False when canaries fail or a binary is gone, Unknown while none has ended. Reasons are CanarySucceeded, CanaryFailed, CanaryTimedOut, BinaryNotFound and NotProvedYet.',
  },
  NodeHandlerShim: {
    '': 'NodeHandlerShim is the process that stands between containerd and the containers of a Pod.',
    path: "path is the absolute path of the shim's binary. If absent, it was not found.",
    apiVersion:
      'apiVersion is the shim API it speaks: v1, v2, or v3 for version 3 of the task API (containerd 2.0 and later). If absent, nobody knows.',
    version:
      'version is what the shim says of itself, where it is the runtime or brings it. If absent, there is an ociRuntime, or it does not tell.',
  },
  NodeHandlerRuntime: {
    '': 'NodeHandlerRuntime is an OCI runtime, such as runc, crun or runsc.',
    path: 'path is the absolute path of its binary.',
    version: 'version is what the binary says of itself, such as 1.2.4. If absent, it does not tell.',
  },
  NodeHandlerFeatures: {
    '': 'NodeHandlerFeatures says of each feature whether the handler has it. If one is absent, nobody tells.',
    userNamespaces: 'userNamespaces is whether Pods with hostUsers: false work, as CRI says.',
    recursiveReadOnlyMounts:
      'recursiveReadOnlyMounts is whether mounts can be read-only with all mounts below them, as CRI says.',
    checkpoint: 'checkpoint is whether containers can be checkpointed and restored, as the OCI runtime says.',
    idmapMounts: 'idmapMounts is whether mounts can map user and group ids, as the OCI runtime says.',
    seccomp: 'seccomp is whether seccomp profiles are applied, as the OCI runtime says.',
    apparmor: 'apparmor is whether AppArmor profiles are applied, as the OCI runtime says.',
    selinux: 'selinux is whether SELinux labels are applied, as the OCI runtime says.',
  },
  NodeHandlerConfiguration: {
    '': 'NodeHandlerConfiguration is a place in the configuration of containerd.',
    file: "file is the absolute path of the file that holds the handler's table, or, where no file does, of the one containerd was started with.",
    line: "line is that of the table's head, from 1. If absent, no table names the handler.",
  },
  NodeHandlerCanary: {
    '': 'NodeHandlerCanary is one proof of a handler: a sandbox that was started on it and taken away again.',
    result: 'result is Succeeded or Failed.',
    trigger:
      'trigger is why the canary was run: Start, ConfigurationChanged, BinaryChanged, PodFailed, Periodic, or Retry after one that failed.',
    startedAt: 'startedAt is when the canary was started.',
    durationMs: 'durationMs is how long it took until the sandbox had started, or until it failed, in milliseconds.',
    message: "message is what was wrong, in the runtime's own words. If absent, the canary succeeded.",
  },
}

const latencyOf = (call: string): string => `${call} is how long that call of CRI took.`

const handlerMeasurement: Record<string, Texts> = {
  HandlerMeasurement: {
    '': 'HandlerMeasurement is what a runtime handler of a node really costs, measured on real containers: memory, CPU and start latency. `polypod measure` writes these in namespace polypod-system.',
    metadata,
    spec: 'spec says which handler of which node was measured.',
    status: 'status is what was measured, and on which machine.',
  },
  HandlerMeasurementSpec: {
    '': 'HandlerMeasurementSpec names a runtime handler of a node.',
    nodeName: 'nodeName is the name of the Node.',
    handler:
      'handler is the name of the runtime handler, as the handler of a RuntimeClass names it. Must be a DNS label (RFC 1123).',
  },
  HandlerMeasurementStatus: {
    '': 'HandlerMeasurementStatus is the outcome of a measurement.',
    measuredAt: 'measuredAt is when the measurement ended. If absent, nothing has been measured.',
    pods: 'pods is how many Pods ran at a time.',
    rounds: 'rounds is how many times so many Pods were started and stopped.',
    machine: 'machine is the machine the figures are true for.',
    runtime: 'runtime is what was behind the handler at the time.',
    memory: 'memory is what a Pod that does nothing takes beside its containers.',
    idleCpu: 'idleCpu is the CPU that a Pod which does nothing uses beside its containers, in cores, to the microcore.',
    start: 'start is how long a Pod takes to start, one Pod after the other, the image being there.',
    recommended: 'recommended is the overhead that a RuntimeClass of the handler should declare.',
  },
  HandlerMeasurementAmount: {
    '': 'HandlerMeasurementAmount is an amount for one Pod, as several measurements have it. Memory is in bytes, CPU in cores.',
    mean: 'mean of the samples.',
    error: 'error is half the width of the 95 % confidence interval of the mean; 0 of a single sample.',
    min: 'min is the smallest sample.',
    max: 'max is the largest sample.',
    samples: 'samples is how many values the mean is of.',
  },
  HandlerMeasurementLatency: {
    '': 'HandlerMeasurementLatency is how long something took, in milliseconds, over all Pods that were started.',
    p50Ms: 'p50Ms is the median, in milliseconds.',
    p90Ms: 'p90Ms is what 90 % of the samples stay within, in milliseconds.',
    p99Ms: 'p99Ms is what 99 % of the samples stay within, in milliseconds.',
    maxMs: 'maxMs is the longest, in milliseconds.',
    meanMs: 'meanMs is the mean, in milliseconds.',
    errorMs: 'errorMs is half the width of the 95 % confidence interval of the mean, in milliseconds; 0 of a single sample.',
    samples: 'samples is how many Pods were started.',
  },
  HandlerMeasurementMachine: {
    '': 'HandlerMeasurementMachine is the machine that was measured on.',
    osImage: 'osImage is the operating system, such as Debian GNU/Linux 12 (bookworm).',
    kernelVersion: 'kernelVersion is that of the running kernel.',
    architecture: 'architecture is that of the processor as Go names it, such as amd64 or arm64.',
    cpuModel: 'cpuModel is what the processor calls itself. If absent, it does not tell.',
    cpus: 'cpus is how many processors could be used.',
    memory: "memory is all of the machine's memory, in bytes.",
    cgroup: 'cgroup is the version of control groups: v1, v2, hybrid, or unknown.',
    containerRuntime: 'containerRuntime is the name and version of the CRI runtime, such as containerd://2.0.0.',
  },
  HandlerMeasurementRuntime: {
    '': 'HandlerMeasurementRuntime is what was behind the handler when it was measured. Each field is absent where the node did not know.',
    runtimeType: 'runtimeType is the name by which containerd finds the shim, such as io.containerd.runc.v2.',
    shim: "shim is the absolute path of the shim's binary.",
    ociRuntime: "ociRuntime is the absolute path of the OCI runtime's binary.",
    version: 'version is that of the OCI runtime.',
  },
  HandlerMeasurementMemory: {
    '': 'HandlerMeasurementMemory is the memory of a Pod that does nothing, its containers left out, counted in several ways; in bytes.',
    nodeAvailable:
      'nodeAvailable is how much less memory the node has for every Pod, by MemAvailable: kernel memory, network and containers included, and whatever else happened meanwhile. One sample a round.',
    podCgroup: "podCgroup is the working set of the Pod's cgroup without that of its containers.",
    processes:
      'processes is the proportional share (Pss) of every process that serves the Pod and is none of its own: shim, pause, sentry, VMM.',
    processesOutside: "processesOutside is the part of processes that is outside of the Pod's cgroup.",
    sandbox: 'sandbox is podCgroup and processesOutside together, so that nothing is counted twice.',
  },
  HandlerMeasurementStart: {
    '': 'HandlerMeasurementStart is how long the steps of starting a Pod with one container took.',
    total: 'total is from the call of RunPodSandbox to the end of StartContainer.',
    runPodSandbox: latencyOf('runPodSandbox'),
    createContainer: latencyOf('createContainer'),
    startContainer: latencyOf('startContainer'),
  },
  HandlerMeasurementRecommendation: {
    '': 'HandlerMeasurementRecommendation is the overhead to declare, and why.',
    podFixed:
      'podFixed is meant for overhead.podFixed of a RuntimeClass: memory in whole mebibytes with 10 % headroom, and cpu in whole millicores. cpu is absent when an idle Pod uses less than half a millicore.',
    reasons: 'reasons are the steps from the measurement to podFixed, for people.',
  },
}

const podExplanation: Record<string, Texts> = {
  PodExplanation: {
    '': 'PodExplanation says why a Pod waits or is stuck, and what would let it run. It is computed when it is asked for, and never stored: get it by the name of a Pod, or create one with a manifest in spec.pod.',
    metadata,
    spec: 'spec is what was asked about. Absent in the explanation of a Pod that is there.',
    status: 'status is the explanation. Ignored in what is created.',
  },
  PodExplanationSpec: {
    '': 'PodExplanationSpec is what to explain.',
    pod: 'pod is a manifest, as for the creation of a Pod: what would become of it is explained. Required to create an explanation.',
  },
  PodExplanationStatus: {
    '': 'PodExplanationStatus is an explanation of a Pod.',
    verdict:
      'verdict is Refused (it cannot be created), Waits (it has no node), Stuck (it has one and does not run well there), Starts (nothing is in its way), Runs or Ended.',
    summary: 'summary says the verdict in a line, for people.',
    node: 'node is the name of the node the Pod is on, or would go to. If absent, there is none.',
    runtimeClass: 'runtimeClass is the RuntimeClass the Pod has after admission. If absent, it has none.',
    asks: 'asks are what the Pod asks of a node after admission, and who says so.',
    causes: 'causes are what is in the way of the Pod. If absent, nothing is.',
    nodes:
      'nodes tell of each node whether the Pod fits there. Absent when the Pod cannot be created or has a node already, when there are no nodes, and when a Pod that fits somewhere would have to be held against more than 200.',
    changes:
      'changes would let the Pod run, each by itself; the smallest first. If absent, none is needed or found, or, late in a long list, none was looked for.',
    hints: 'hints are what people may look at where no change could be checked.',
  },
  ExplainedRuntimeClass: {
    '': 'ExplainedRuntimeClass is the RuntimeClass of a Pod.',
    name: 'name of the RuntimeClass.',
    handler: 'handler that the RuntimeClass names. If absent, there is no such RuntimeClass.',
    from: 'from is who gave the Pod this RuntimeClass. If absent, the Pod itself names it.',
  },
  AskedOfNode: {
    '': 'AskedOfNode is one thing a Pod asks of a node.',
    field: 'field is nodeName, nodeSelector, nodeAffinity, toleration or requests.',
    value: 'value is what is asked, as text, such as memory 164Mi = 100Mi + 64Mi overhead.',
    from: 'from is who asks: the Pod, its RuntimeClass, both of them, or admission.',
  },
  PodCause: {
    '': 'PodCause is one thing that is in the way of a Pod.',
    type: 'type is a word for programs, such as NodeAffinity, Quota or Image.',
    message: 'message says what is in the way, for people.',
    nodes: 'nodes are the names of the nodes it is about. If absent, it is about all of them, or about none.',
  },
  NodeVerdict: {
    '': 'NodeVerdict says whether a Pod fits on a node.',
    name: 'name of the node.',
    fits: 'fits is true when no rule keeps the Pod away from the node.',
    reasons: 'reasons are why it does not fit. Absent when it does.',
  },
  PodChange: {
    '': 'PodChange is a set of writes that was checked: with all of its steps done, admission, quotas and scheduling let the Pod run.',
    summary: 'summary says the steps in a line, for people.',
    steps: 'steps are what to write, in this order.',
    node: 'node is the name of the node the Pod would run on. If absent, none is told.',
    unchecked: 'unchecked is what only trying can tell. If absent, nothing is left open.',
  },
  PodChangeStep: {
    '': 'PodChangeStep is one write.',
    summary: 'summary says what is changed, for people.',
    kind: 'kind of the object that is written, such as Node or Pod.',
    name: 'name of the object.',
    namespace: 'namespace of the object. Absent for kinds without namespaces.',
    recreate: 'recreate is true when the Pod has to be deleted and made anew, as what is changed cannot be updated.',
    patch:
      "patch is a JSON patch (RFC 6902) of the object that is named, or of the Pod's manifest where the Pod is not created yet or recreate is true. If absent, object is what to create.",
    object: 'object is what to create. If absent, patch is what to change.',
    command: 'command does the step in a shell, with kubectl. If absent, no single line does.',
  },
}

/** By the type's OpenAPI name: its own text under '', and that of each field. */
export const polypodDescriptions: Readonly<Record<string, Texts>> = Object.fromEntries(
  Object.entries({ ...nodeHandler, ...handlerMeasurement, ...podExplanation }).map(([type, texts]) => [
    `dev.polypod.v1alpha1.${type}`,
    texts,
  ]),
)
