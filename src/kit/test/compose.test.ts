import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { settings } from '../config/index.ts';
import { sharedFile } from './helpers/docs.ts';
import { type Loose, yamlOf } from './helpers/manifests.ts';

// Each container of compose.yaml gets its own secrets, and no other's.

const text = sharedFile('compose.yaml');

describe.skipIf(!text)('compose.yaml', () => {
  const [{ services, volumes }] = yamlOf(text ?? '') as [Loose];
  const { app, redis, keycloak } = services;
  const maker = services['redis-password'];

  test("gives the app its settings only: those of .env, and none that is another container's", () => {
    expect(app.env_file).toBe('.env');
    const names = new Set(settings.flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])));
    expect(Object.keys(app.environment).filter((name) => !names.has(name))).toEqual([]);
    // In a file with the password. An empty one counts as not set, so what .env says does not come in between.
    expect(app.environment).toMatchObject({ REDIS_URL: '', REDIS_URL_FILE: '/run/redis/url' });
  });

  test('gives nothing of .env to the others', () => {
    for (const one of [redis, keycloak, maker]) expect(one.env_file).toBeUndefined();
    // Compose would fill a name in from .env. Two $ are one.
    expect((text ?? '').replaceAll('$$', '')).not.toContain('$');
    expect(redis.environment).toBeUndefined();
    expect(text).not.toMatch(/REDIS_PASSWORD|KEYCLOAK_ADMIN/);
  });

  test('keeps the address for the app and the configuration of Redis in volumes of their own', () => {
    const mounted = (service: Loose) => service.volumes.map((each: string) => each.split(':'));
    expect(mounted(app)).toEqual([
      ['data', '/app/data'],
      ['redis-address', '/run/redis', 'ro'],
    ]);
    expect(mounted(redis)).toEqual([
      ['redis', '/data'],
      ['redis-configuration', '/run/redis', 'ro'],
    ]);
    const named = [app, redis, maker].flatMap((service) => mounted(service).map(([name]: string[]) => name));
    expect(Object.keys(volumes).sort()).toEqual([...new Set(named)].sort());
    expect(redis.command).toContain('redis-server /run/redis/redis.conf');
    for (const one of [app, redis])
      expect(one.depends_on['redis-password'].condition).toBe('service_completed_successfully');
  });

  test('listens on this machine only, with no rights and nothing to write to but data/', () => {
    for (const port of app.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    expect(redis.ports).toBeUndefined();
    expect([app.read_only, app.cap_drop, app.security_opt]).toEqual([
      true,
      ['ALL'],
      ['no-new-privileges:true'],
    ]);
  });

  test.skipIf(process.platform === 'win32')('makes a password once, and gives the same to both', () => {
    const folder = mkdtempSync(join(tmpdir(), 'volumes-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    for (const name of ['for-app', 'for-redis']) mkdirSync(join(folder, name));
    const script = maker.command[0].replaceAll('$$', '$').replaceAll(/\/(?=for-)/g, `${folder}/`);
    const [command, ...options] = maker.entrypoint;
    const run = () => {
      const { status, stderr } = spawnSync(command, [...options, script], { encoding: 'utf8' });
      expect([status, stderr]).toEqual([0, '']);
      return ['for-app/url', 'for-redis/redis.conf'].map((file) => readFileSync(join(folder, file), 'utf8'));
    };
    const [address = '', configuration = ''] = run();
    const { password, host } = new URL(address.trim());
    expect(password).toMatch(/^[0-9a-f]{64}$/);
    expect(host).toBe('redis:6379');
    expect(configuration).toBe(`requirepass ${password}\n`);
    expect(run()).toEqual([address, configuration]);
    rmSync(join(folder, 'for-app/url'));
    expect(run()[0]).not.toBe(address);
  });
});
