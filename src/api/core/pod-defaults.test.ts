// The smallest Pods, and what decoding makes of them: upstream's defaults, field by field.
import assert from 'node:assert/strict'
import { describe, it } from 'vitest'
import { cases } from '../../testing/cases.ts'
import { Pod } from './pod.ts'

const decode = (spec: Record<string, unknown>) => Pod.decode({ metadata: { name: 'web' }, spec }, { unknown: [] })

describe('defaults of a Pod', () => {
  it('fills the smallest Pod', () => {
    assert.deepEqual(decode({ containers: [{ name: 'a', image: 'nginx' }] }), {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'web' },
      spec: {
        containers: [
          {
            name: 'a',
            image: 'nginx',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
            imagePullPolicy: 'Always',
          },
        ],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 30,
        dnsPolicy: 'ClusterFirst',
        securityContext: {},
        schedulerName: 'default-scheduler',
        enableServiceLinks: true,
      },
      status: {},
    })
  })

  it('fills ports, probes, volumes and references', () => {
    const pod = decode({
      serviceAccountName: 'robot',
      hostNetwork: true,
      containers: [
        {
          name: 'a',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80 }],
          env: [{ name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
          resources: { limits: { cpu: '1', memory: '1024Mi' }, requests: { cpu: '0.5' } },
          livenessProbe: { httpGet: { port: 80 } },
          readinessProbe: { grpc: { port: 90 } },
        },
      ],
      volumes: [
        { name: 'scratch' },
        { name: 'config', configMap: { name: 'c' } },
        { name: 'secret', secret: { secretName: 's' } },
        { name: 'host', hostPath: { path: '/var' } },
        { name: 'all', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
      ],
    })
    const probe = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }
    assert.deepEqual(pod.spec, {
      volumes: [
        { name: 'scratch', emptyDir: {} },
        { name: 'config', configMap: { name: 'c', defaultMode: 420 } },
        { name: 'secret', secret: { secretName: 's', defaultMode: 420 } },
        { name: 'host', hostPath: { path: '/var', type: '' } },
        {
          name: 'all',
          projected: { sources: [{ serviceAccountToken: { expirationSeconds: 3600, path: 'token' } }], defaultMode: 420 },
        },
      ],
      containers: [
        {
          name: 'a',
          image: 'nginx:1.27',
          ports: [{ containerPort: 80, protocol: 'TCP', hostPort: 80 }],
          env: [{ name: 'N', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } }],
          resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '500m', memory: '1Gi' } },
          livenessProbe: { ...probe, httpGet: { path: '/', port: 80, scheme: 'HTTP' } },
          readinessProbe: { ...probe, grpc: { port: 90, service: '' } },
          terminationMessagePath: '/dev/termination-log',
          terminationMessagePolicy: 'File',
          imagePullPolicy: 'IfNotPresent',
        },
      ],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      serviceAccountName: 'robot',
      serviceAccount: 'robot',
      hostNetwork: true,
      securityContext: {},
      schedulerName: 'default-scheduler',
      enableServiceLinks: true,
    })
  })

  cases(
    [
      { name: 'no tag', image: 'nginx', want: 'Always' },
      { name: 'latest', image: 'nginx:latest', want: 'Always' },
      { name: 'a tag', image: 'nginx:1', want: 'IfNotPresent' },
      { name: 'a port and no tag', image: 'localhost:5000/nginx', want: 'Always' },
      { name: 'a port and a tag', image: 'localhost:5000/nginx:1', want: 'IfNotPresent' },
      { name: 'a digest', image: `nginx@sha256:${'0'.repeat(64)}`, want: 'IfNotPresent' },
    ],
    ({ image, want }) => assert.equal(decode({ containers: [{ name: 'a', image }] }).spec.containers[0]?.imagePullPolicy, want),
  )
})
