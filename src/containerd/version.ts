// containerd's versions, and what changes between them.

export interface Version {
  major: number
  minor: number
}

/** From `containerd --version` (`containerd <import path> <version> <commit>`) or a bare version; undefined when there is none. */
export function parseVersion(text: string): Version | undefined {
  const { major, minor } = /(?:^|[\s:v])(?<major>\d+)\.(?<minor>\d+)(?:\.|\s|$)/.exec(text)?.groups ?? {}
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}

export const atLeast = ({ major, minor }: Version, wantedMajor: number, wantedMinor: number): boolean =>
  major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)

/** The newest `version =` a containerd reads: its own format needs no migration, so nothing is guessed. */
export function configFormat(version: Version): 2 | 3 | 4 {
  if (atLeast(version, 2, 3)) return 4
  return atLeast(version, 2, 0) ? 3 : 2
}
