import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { afterEach, expect, test, vi } from 'vitest';
import { ProviderKeys } from '../provider/keys.ts';
import type { TestApp } from './helpers/app.ts';
import { logoutEvent } from './helpers/logout-tokens.ts';
import { signToken } from './helpers/misbehaving-keys.ts';
import type { MisbehavingProvider } from './helpers/misbehaving-provider.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { until } from './helpers/redis-server.ts';

// Anybody may send a logout token that names a key we do not know. Fetches of the provider's keys are three seconds
// apart, whatever comes; an honest token waits its turn.

interface Sent {
  status: number;
  /** Fetches of the key set by the provider's count, when the answer came. */
  fetches: number;
}

/** @param kid instead of that of the key; null: none */
async function send(op: MisbehavingProvider, app: TestApp, turn: number, kid?: string | null): Promise<Sent> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: op.issuer, aud: op.clientId, sub: 'nobody', iat, exp: iat + 60, jti: randomUUID() };
  const signing = { signing: 'RS256', alg: 'RS256', turn, clientSecret: '' } as const;
  const header = { typ: 'logout+jwt', ...(kid !== undefined && { kid: kid ?? undefined }) };
  const logout_token = await signToken({ ...claims, events: { [logoutEvent]: {} } }, { ...signing, header });
  const body = new URLSearchParams({ logout_token });
  const { status } = await fetch(app.url('/auth/backchannel-logout'), { method: 'POST', body });
  return { status, fetches: op.calls.jwks };
}

const reasonsIn = (app: TestApp) => app.events('logout_token.refused').map(({ reason }) => String(reason));

test('two new keys within three seconds: both tokens are verified, by one fetch each', () =>
  withPair({}, async ({ op, app, open }) => {
    await open('/profile');
    const before = op.calls.jwks;
    op.rotateKeys();
    expect(await send(op, app, 2)).toEqual({ status: 200, fetches: before + 1 });
    op.rotateKeys();
    expect(await send(op, app, 3)).toEqual({ status: 200, fetches: before + 2 });
  }));

test('of many with keys that nobody published, twenty wait for one fetch; the others are answered at once', () =>
  withPair({}, async ({ op, app, open }) => {
    await open('/profile');
    op.rotateKeys();
    await send(op, app, 2);
    const before = op.calls.jwks;
    const all = Array.from({ length: 30 }, (_, n) => send(op, app, 2, `made-up-${n}`));
    await until(() => reasonsIn(app).filter((reason) => /later/.test(reason)).length === 10, 2_500);
    expect(op.calls.jwks).toBe(before);
    // An honest token whose key is at hand is not held up by them.
    expect(await send(op, app, 2)).toEqual({ status: 200, fetches: before });
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(Array(30).fill(400));
    expect(op.calls.jwks).toBe(before + 1);
    expect(reasonsIn(app).filter((reason) => /later/.test(reason))).toHaveLength(10);
    // All places are free again.
    op.rotateKeys();
    expect((await send(op, app, 3)).status).toBe(200);
  }));

test('a token that names no key is not held up by those that wait', () =>
  withPair({ op: { oneKey: true, noKid: true } }, async ({ op, app, open }) => {
    await open('/profile');
    expect((await send(op, app, 1, null)).status).toBe(200);
    const before = op.calls.jwks;
    const all = Array.from({ length: 21 }, (_, n) => send(op, app, 1, `made-up-${n}`));
    await until(() => reasonsIn(app).some((reason) => /later/.test(reason)));
    expect(await send(op, app, 1, null)).toEqual({ status: 200, fetches: before });
    await Promise.all(all);
  }));

/** The key set itself, with a provider that fails as told and a clock of the test's own. */
function keysOf(answer: () => Promise<Response>) {
  let fetches = 0;
  const fetch = () => {
    fetches += 1;
    return answer();
  };
  const keys = new ProviderKeys(async () => 'https://provider.example/jwks', fetch as never, 'RS256');
  return { keys, fetches: () => fetches };
}

afterEach(() => void vi.useRealTimers());

test('a provider that is away from the start is asked every three seconds, however many tokens come', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const { keys, fetches } = keysOf(async () => Promise.reject(new Error('away')));
  const token = () => keys.ensure('made-up', false).catch((error: Error) => error.message);
  expect(await token()).toBe('away');
  expect(fetches()).toBe(1);
  vi.setSystemTime(Date.now() + 2_990); // The next turn is 10 ms away.
  const answers = await Promise.all(Array.from({ length: 25 }, token));
  expect(answers.filter((answer) => answer === 'away')).toHaveLength(20);
  expect(answers.filter((answer) => /later/.test(String(answer)))).toHaveLength(5);
  expect(fetches()).toBe(2);
});

test('a token that names no key is judged by the keys at hand while no fetch can be had; another one is refused', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const gate = Promise.withResolvers<void>();
  const { keys, fetches } = keysOf(async () => {
    if (fetches() === 1) return Response.json({ keys: [key] });
    await gate.promise;
    throw new Error('away');
  });
  await keys.get();
  const outcome = (kid: string | undefined, solicited = false) =>
    keys.ensure(kid, solicited).then(
      () => 'goes on',
      (error: Error) => error.message,
    );
  const made = Array.from({ length: 20 }, (_, n) => outcome(`made-up-${n}`));
  await until(() => fetches() === 2);
  vi.setSystemTime(Date.now() + 3_000); // The provider is slow: who names no key would have to wait, too.
  expect(await outcome('new')).toMatch(/later/);
  expect(await outcome(undefined)).toBe('goes on');
  const signIn = outcome(undefined, true);
  gate.resolve();
  expect(await Promise.all(made)).toEqual(Array(20).fill('away'));
  expect(await signIn).toBe('goes on');
});

test('tokens of a thousand tenants that somebody made up copy the key set once for each issuer that keys name', async () => {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  const issuer = 'https://login.example/{tenantid}/v2.0';
  const ofOne = 'https://login.example/tenant-7/v2.0';
  const { keys } = keysOf(async () =>
    Response.json({
      keys: [
        { ...key, kid: 'all', issuer },
        { ...key, kid: 'one', issuer: ofOne },
      ],
    }),
  );
  await keys.get();
  const token = { payload: '', signature: '' };
  const copies = vi.spyOn(globalThis, 'structuredClone');
  const find = (kid: string, tenant: string) =>
    keys.resolve({ alg: 'RS256', kid }, token, issuer.replace('{tenantid}', tenant));
  for (let n = 0; n < 1_000; n++) await find('all', `tenant-${n}`);
  expect(copies).toHaveBeenCalledTimes(2);
  copies.mockRestore();
  await find('one', 'tenant-7');
  await expect(find('one', 'tenant-8')).rejects.toThrow('no applicable key');
});

test('a token that comes while a fetch is under way is verified by it', async () => {
  const gate = Promise.withResolvers<void>();
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
  let set: object[] = [{ ...key, kid: 'old' }];
  const { keys, fetches } = keysOf(async () => {
    if (fetches() > 1) await gate.promise;
    return Response.json({ keys: set });
  });
  await keys.get();
  set = [{ ...key, kid: 'new' }];
  const first = keys.ensure('new', false);
  await until(() => fetches() === 2);
  const second = keys.ensure('new', false);
  gate.resolve();
  await Promise.all([first, second]);
  expect(fetches()).toBe(2);
});
