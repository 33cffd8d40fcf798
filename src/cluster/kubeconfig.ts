// The kubeconfig of a cluster: its address, its CA and the admin's certificate in one file.
import { writeAtomically } from '../lib/atomic-file.ts'
import type { KeyPair } from './certs.ts'

export interface KubeconfigFacts {
  /** `https://127.0.0.1:6443` */
  url: string
  ca: string
  admin: KeyPair
}

const names = { cluster: 'polypod', user: 'kubernetes-admin', context: 'kubernetes-admin@polypod' }

export function kubeconfigText({ url, ca, admin }: KubeconfigFacts): string {
  const base64 = (pem: string) => Buffer.from(pem).toString('base64')
  // a text in JSON's quotes is a text in YAML too; the library would cost more than the rest of a start
  const text = JSON.stringify
  return `apiVersion: v1
kind: Config
clusters:
- name: ${names.cluster}
  cluster:
    certificate-authority-data: ${base64(ca)}
    server: ${text(url)}
contexts:
- name: ${names.context}
  context:
    cluster: ${names.cluster}
    user: ${names.user}
current-context: ${names.context}
preferences: {}
users:
- name: ${names.user}
  user:
    client-certificate-data: ${base64(admin.cert)}
    client-key-data: ${base64(admin.key)}
`
}

/** Writes it with mode 0600, in one step. */
export async function writeKubeconfig(path: string, facts: KubeconfigFacts): Promise<void> {
  await writeAtomically(path, kubeconfigText(facts), 0o600)
}
