// Why a Pod cannot go to a node: facts first, text last.

export interface Reason {
  /** Upstream's words, without the count of nodes before them. */
  text: string
  /** True: removing other Pods from the node would not help. */
  unresolvable?: boolean | undefined
  /** Set when a resource is short; millicores for cpu, bytes or pieces otherwise. */
  shortage?: Shortage | undefined
  /** Set when the node lacks the runtime handler of the Pod's class, or has one that is not proved to work. */
  handler?: HandlerReason | undefined
}

export interface HandlerReason {
  /** "": the default handler. */
  handler: string
  /** "": the Pod names no class. */
  runtimeClass: string
  /** Present: it is offered, but not usable: the runtime's own words, or undefined while no proof has ended yet. */
  unproved?: { why: string | undefined } | undefined
}

export interface Shortage {
  resource: string
  /** What the Pod asks for, overhead included. */
  need: number
  used: number
  capacity: number
  ofWhichOverhead: number
}
