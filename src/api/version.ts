// What we are, and which Kubernetes we speak.

/** As in package.json; version.test.ts holds them together. */
export const polypodVersion = '0.1.0'
export const kubernetesMinor = { major: '1', minor: '32' }
/** gitVersion of /version and kubeletVersion of nodes. */
export const kubernetesVersion = `v1.32.4+polypod-${polypodVersion}`
