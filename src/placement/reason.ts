// Why a Pod cannot go to a node: facts first, text last.

export interface Reason {
  /** Upstream's words, without the count of nodes before them. */
  text: string
  /** True: removing other Pods from the node would not help. */
  unresolvable?: boolean | undefined
  /** Set when a resource is short; millicores for cpu, bytes or pieces otherwise. */
  shortage?: Shortage | undefined
  /** Set when the node lacks the runtime handler of the Pod's class. */
  handler?: { handler: string; runtimeClass: string } | undefined
}

export interface Shortage {
  resource: string
  /** What the Pod asks for, overhead included. */
  need: number
  used: number
  capacity: number
  ofWhichOverhead: number
}
