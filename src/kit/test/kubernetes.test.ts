import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { loadConfig, settings } from '../config/index.ts';
import { sharedFile } from './helpers/docs.ts';
import { type Loose, manifestFolder, manifests, yamlOf } from './helpers/manifests.ts';

// The files in deploy/kubernetes agree with each other, with the image and with the settings that the code reads. Where
// its packages can be fetched, .ci/kubernetes.ts checks them against Kubernetes' own schemas too.

const found = manifests() ?? [];
const only = (kind: string): Loose => found.find(({ object }) => object.kind === kind)?.object;
const all = (kind: string): Loose[] => found.flatMap(({ object }) => (object.kind === kind ? object : []));

describe.skipIf(found.length === 0)(manifestFolder, () => {
  const deployment = only('Deployment');
  const pod = deployment?.spec.template.spec;
  const [container] = pod?.containers ?? [];
  const configMap = only('ConfigMap');
  const secret = only('Secret');
  const labels = { 'app.kubernetes.io/name': 'my-app' };

  test('has each kind that an app needs', () => {
    const kinds = found.map(({ object }) => object.kind);
    for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget', 'NetworkPolicy', 'Ingress'])
      expect(kinds).toContain(kind);
    for (const kind of ['ConfigMap', 'Secret', 'Namespace', 'Kustomization']) expect(kinds).toContain(kind);
    for (const { object } of found) expect(Object.keys(object).slice(0, 2)).toEqual(['apiVersion', 'kind']);
  });

  test('kustomization.yaml has every file but the placeholders of the Secret', () => {
    const files = [...new Set(found.map(({ file }) => file))];
    const wanted = files.filter((file) => !/^(kustomization|secret\.example)\.yaml$/.test(file));
    expect([...only('Kustomization').resources].sort()).toEqual(wanted.sort());
    expect(only('Kustomization').namespace).toBe(only('Namespace').metadata.name);
    expect(files).toContain('secret.example.yaml');
  });

  test('names only settings that there are, and secrets as files only', () => {
    const names = new Set(settings.map(({ name }) => name));
    const secrets = new Set(settings.flatMap(({ name, secret }) => (secret ? [name] : [])));
    const plain = Object.keys(configMap.data);
    expect(plain.filter((name) => !names.has(name) || secrets.has(name))).toEqual([]);
    const inFiles: string[] = container.env.map(({ name }: Loose) => name);
    expect(inFiles.filter((name) => !secrets.has(name.replace(/_FILE$/, '')))).toEqual([]);
    expect(inFiles).toEqual(['SESSION_SECRET_FILE', 'OIDC_CLIENT_SECRET_FILE', 'REDIS_URL_FILE']);
    expect(inFiles.filter((name) => !name.endsWith('_FILE'))).toEqual([]);
    expect(container.envFrom).toEqual([{ configMapRef: { name: configMap.metadata.name } }]);
    for (const value of Object.values(configMap.data)) expect(value).toBeTypeOf('string');
  });

  test('mounts the Secret where the settings look for it, for nobody else to read', () => {
    const volume = pod.volumes.find(({ secret }: Loose) => secret);
    expect(volume.secret).toEqual({ secretName: secret.metadata.name, defaultMode: 0o440 });
    const mount = container.volumeMounts.find(({ name }: Loose) => name === volume.name);
    expect(mount.readOnly).toBe(true);
    const wanted = container.env.map(({ value }: Loose) => value);
    expect(wanted).toEqual(Object.keys(secret.stringData).map((key) => `${mount.mountPath}/${key}`));
  });

  test('is enough for the app to start, and each placeholder of the Secret is refused', () => {
    const good: Record<string, string> = {
      'session-secret': '0123456789abcdefghijklmnopqrstuvwxyzABCDEFG',
      'oidc-client-secret': 'a secret of the provider',
      'redis-url': 'rediss://:password@redis.example.com:6379',
    };
    const config = loadConfig(environment(good));
    expect(config).toMatchObject({ baseUrl: 'https://app.example.com', port: 3000, shutdownDelaySeconds: 5 });
    for (const [key, value] of Object.entries<string>(secret.stringData))
      expect(() => loadConfig(environment({ ...good, [key]: value })), key).toThrow();
  });

  /** What the container gets, with these contents in the Secret's files. */
  function environment(contents: Record<string, string>): NodeJS.ProcessEnv {
    const folder = mkdtempSync(join(tmpdir(), 'secrets '));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const [key, value] of Object.entries(contents)) writeFileSync(join(folder, key), value);
    const files = container.env.map(({ name, value }: Loose) => [name, join(folder, basename(value))]);
    return { ...configMap.data, ...Object.fromEntries(files) };
  }

  test('selects the same pods everywhere', () => {
    const selectors = [
      deployment.spec.selector.matchLabels,
      deployment.spec.template.metadata.labels,
      ...all('Service').map(({ spec }) => spec.selector),
      only('PodDisruptionBudget').spec.selector.matchLabels,
      only('NetworkPolicy').spec.podSelector.matchLabels,
      ...pod.topologySpreadConstraints.map(({ labelSelector }: Loose) => labelSelector.matchLabels),
    ];
    for (const one of selectors) expect(one).toEqual(labels);
    expect(pod.topologySpreadConstraints.map(({ topologyKey }: Loose) => topologyKey)).toEqual([
      'kubernetes.io/hostname',
      'topology.kubernetes.io/zone',
    ]);
  });

  test('sends requests to the port that the app listens on', () => {
    const port = Number(configMap.data.PORT);
    expect(container.ports).toEqual([{ name: 'http', containerPort: port }]);
    const service = all('Service').find(({ metadata }) => metadata.name === 'my-app');
    expect(service.spec.ports).toEqual([{ name: 'http', port: 80, targetPort: 'http' }]);
    const [controller] = only('NetworkPolicy').spec.ingress;
    expect(controller.ports[0]).toEqual({ port });
    expect(sharedFile('Dockerfile') ?? `EXPOSE ${port}`).toContain(`EXPOSE ${port}`);
    const [rule] = only('Ingress').spec.rules;
    expect(configMap.data.BASE_URL).toBe(`https://${rule.host}`);
    expect(only('Ingress').spec.tls[0].hosts).toEqual([rule.host]);
  });

  test('the ingress leads everything to the app but the probes, which end at a port where nothing listens', () => {
    const [rule] = only('Ingress').spec.rules;
    const leads = rule.http.paths.map(({ path, pathType, backend }: Loose) => [
      ...[path, pathType, backend.service.name, backend.service.port.name],
    ]);
    expect(leads).toEqual([
      ['/healthz', 'Prefix', 'my-app-closed', 'closed'],
      ['/readyz', 'Prefix', 'my-app-closed', 'closed'],
      ['/', 'Prefix', 'my-app', 'http'],
    ]);
    const closed = all('Service').find(({ metadata }) => metadata.name === 'my-app-closed');
    const [{ name, targetPort }] = closed.spec.ports;
    expect([name, targetPort]).toEqual(['closed', 9]);
    expect(container.ports.map(({ containerPort }: Loose) => containerPort)).not.toContain(targetPort);
    // Prefix compares letter by letter; /HEALTHZ and /healthz/ are no probes of the app (http-health.test.ts).
    // A packet that is dropped would be waited for.
    expect(only('NetworkPolicy').spec.ingress[0].ports).toContainEqual({ port: targetPort });
  });

  test('asks the probes that there are', () => {
    const asked = ['startupProbe', 'livenessProbe', 'readinessProbe'].map((name) => container[name].httpGet);
    expect(asked.map(({ path }) => path)).toEqual(['/healthz', '/healthz', '/readyz']);
    for (const { port } of asked) expect(port).toBe('http');
    // The app waits two seconds for Redis before it says no.
    expect(container.readinessProbe.timeoutSeconds).toBeGreaterThan(2);
    expect(sharedFile(`${manifestFolder}/deployment.yaml`)).toContain('/readyz?public');
  });

  test('replaces pods with nobody noticing', () => {
    expect(deployment.spec.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    expect(deployment.spec.replicas).toBeGreaterThan(1);
    expect(only('PodDisruptionBudget').spec.maxUnavailable).toBe(1);
    expect(container.lifecycle).toBeUndefined();
  });

  test('passes as restricted: a numeric user, no rights, no writing but into data/', () => {
    expect(only('Namespace').metadata.labels).toEqual({ 'pod-security.kubernetes.io/enforce': 'restricted' });
    expect(pod.securityContext).toEqual({
      ...{ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 },
      seccompProfile: { type: 'RuntimeDefault' },
    });
    expect(container.securityContext).toEqual({
      ...{ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true },
      capabilities: { drop: ['ALL'] },
    });
    expect([pod.automountServiceAccountToken, pod.enableServiceLinks]).toEqual([false, false]);
    for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) expect(pod[name]).toBeUndefined();
    const writable = container.volumeMounts.filter(({ readOnly }: Loose) => !readOnly);
    expect(writable).toEqual([{ name: 'data', mountPath: '/app/data' }]);
    expect(pod.volumes).toContainEqual({ name: 'data', emptyDir: { sizeLimit: '64Mi' } });
    const user = `USER ${pod.securityContext.runAsUser}:${pod.securityContext.runAsGroup}`;
    expect(sharedFile('Dockerfile') ?? user).toContain(user);
    expect(container.resources.requests).toMatchObject({
      cpu: expect.any(String),
      memory: expect.any(String),
    });
    expect(container.resources.limits.memory).toMatch(/^\d+Mi$/);
  });

  test('is reached by the ingress controller alone, and reaches no metadata service', () => {
    const { spec } = only('NetworkPolicy');
    expect(spec.policyTypes).toEqual(['Ingress', 'Egress']);
    expect(spec.ingress).toHaveLength(1);
    expect(spec.ingress[0].from).toEqual([
      { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } },
    ]);
    const [v4] = spec.egress.flatMap(({ to }: Loose) => to.filter(({ ipBlock }: Loose) => ipBlock?.except));
    expect(v4.ipBlock.except).toEqual(['169.254.0.0/16']);
  });
});

test('two keys of one name in a file are found', () => {
  expect(() => yamlOf('a: 1\na: 2\n')).toThrow(/unique/);
});
