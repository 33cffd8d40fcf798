// Which binary containerd starts for a runtime type.

/** containerd's shim of API v1, which has a plugin of its own in 1.x. */
export const linuxV1 = 'io.containerd.runtime.v1.linux'
export const runcV1 = 'io.containerd.runc.v1'

/** Undefined when containerd refuses the name. An absolute path stands for itself. */
export function shimBinary(runtimeType: string): string | undefined {
  if (runtimeType.startsWith('/')) return runtimeType
  if (runtimeType.includes('/')) return undefined
  const parts = runtimeType.split('.')
  if (parts.length < 2 || parts[0] === '') return undefined
  // the type of shim API v1 is a plugin's name; its shim has no version in its own
  if (runtimeType === linuxV1) return 'containerd-shim'
  return `containerd-shim-${parts.at(-2)}-${parts.at(-1)}`
}

/** `kata` of io.containerd.kata-qemu.v2: handlers of one family share options and annotations. */
export const runtimeFamily = (runtimeType: string): string => (runtimeType.split('.').at(-2) ?? runtimeType).replace(/-.*/, '')

/** Whether the shim takes runc's options (BinaryName, SystemdCgroup, ...). */
export const takesRuncOptions = (runtimeType: string): boolean => /^io\.containerd\.runc\.v[12]$/.test(runtimeType)
