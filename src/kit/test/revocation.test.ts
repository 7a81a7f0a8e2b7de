import { afterEach, describe, expect, test, vi } from 'vitest';
import { LateRevocations } from '../provider/revocation.ts';
import { keycloak } from './helpers/misbehaving-profiles.ts';
import { expectHonestSignIn, type Pair, withPair } from './helpers/misbehaving-sign-in.ts';
import { witness } from './helpers/stored-sessions.ts';

// When the refresh token is revoked at a sign-out (RFC 7009, RFC 9700 §4.14).

/** A refresh token as Keycloak makes it. */
function refreshToken(typ: 'Refresh' | 'Offline'): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'HS512', kid: 'a', typ: 'JWT' })}.${part({ typ, sid: 'sid-1', jti: 'x' })}.c2ln`;
}

const callsOf = ({ op }: Pair) => ({ revocation: op.calls.revocation, end_session: op.calls.end_session });

test('before the browser leaves for the provider, as the session has ended', () =>
  withPair({}, async (pair) => {
    const page = await expectHonestSignIn(pair);
    const left = await pair.browser.submit(page, {}, { follow: false });
    expect(left.location).toMatch(`${pair.op.origin}/logout`);
    expect(callsOf(pair)).toEqual({ revocation: 1, end_session: 0 });
  }));

describe('at Keycloak, which ends its own session with a revocation', () => {
  const op = { profile: keycloak };

  /** Signs in and presses "Sign out"; returns where that leads. */
  async function signOut(pair: Pair, refresh_token?: string): Promise<string> {
    if (refresh_token) pair.op.next({ token: { json: { refresh_token } } });
    const page = await expectHonestSignIn(pair);
    const left = await pair.browser.submit(page, {}, { follow: false });
    expect(left.location).toMatch(`${pair.op.origin}/logout`);
    expect(callsOf(pair)).toEqual({ revocation: 0, end_session: 0 });
    return left.location ?? '';
  }

  test('when the browser comes back from there', () =>
    withPair({ op }, async (pair) => {
      const token = refreshToken('Offline');
      const atProvider = await pair.browser.get(await signOut(pair, token), { follow: false });
      expect(callsOf(pair)).toEqual({ revocation: 0, end_session: 1 });
      const back = await pair.browser.get(atProvider.location ?? '');
      expect(back.body.match(/<li class="ended">/g)).toHaveLength(3);
      expect(callsOf(pair)).toEqual({ revocation: 1, end_session: 1 });
      expect(pair.op.latest.revocation?.get('token')).toBe(token);
    }));

  test('not at all when its session has ended and the token with it', () =>
    withPair({ op }, async (pair) => {
      await pair.browser.get(await signOut(pair, refreshToken('Refresh')));
      expect(callsOf(pair)).toEqual({ revocation: 0, end_session: 1 });
    }));

  test('also such a token when the browser comes to /signed-out another way', () =>
    withPair({ op }, async (pair) => {
      await signOut(pair, refreshToken('Refresh'));
      await pair.open('/signed-out');
      expect(callsOf(pair)).toEqual({ revocation: 1, end_session: 0 });
    }));

  test('at once when the browser cannot be sent there', () => {
    const profile = { ...keycloak, metadata: { ...keycloak.metadata, end_session_endpoint: undefined } };
    return withPair({ op: { profile } }, async (pair) => {
      const left = await pair.browser.submit(await expectHonestSignIn(pair), {}, { follow: false });
      expect(left.location).toBe(pair.app.url('/signed-out'));
      expect(callsOf(pair)).toEqual({ revocation: 1, end_session: 0 });
    });
  });

  test('when the app stops', () =>
    withPair({ op }, async (pair) => {
      await signOut(pair);
      await pair.app.stop();
      expect(callsOf(pair)).toEqual({ revocation: 1, end_session: 0 });
    }));
});

describe('a browser that never comes back', () => {
  afterEach(() => void vi.useRealTimers());

  test('is waited for half a minute, and then the token is revoked, once', async () => {
    vi.useFakeTimers();
    const revoke = vi.fn(async () => true);
    const late = new LateRevocations(revoke, witness().log);
    const tokens = { refresh_token: 'a token' };
    late.add('a sign-out', tokens);
    late.add('another', { refresh_token: 'another token' });
    await late.carryOut('another');
    await vi.advanceTimersByTimeAsync(29_000);
    expect(revoke.mock.calls).toEqual([[{ refresh_token: 'another token' }]]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(revoke.mock.calls.slice(1)).toEqual([[tokens]]);
    await late.carryOut('a sign-out');
    await late.carryOutAll();
    expect(revoke).toHaveBeenCalledTimes(2);
  });
});

test('with a proof of the key where access tokens are bound, again with a nonce where one is asked for', () =>
  withPair({ env: { OIDC_DPOP: 'true', OIDC_USERINFO: 'false' } }, async (pair) => {
    const { op, app, browser } = pair;
    const refused = { status: 400, headers: { 'dpop-nonce': 'n-1' }, json: { error: 'use_dpop_nonce' } };
    op.next({
      token: { json: { token_type: 'DPoP' } },
      idToken: { name: 'Ada Example' },
      revocation: refused,
    });
    await browser.submit(await expectHonestSignIn(pair));
    const proofs = op.proofs.map((proof) =>
      proof
        .split('.')
        .slice(0, 2)
        .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString())),
    );
    const proof = {
      htm: 'POST',
      htu: `${op.origin}/revoke`,
      iat: expect.any(Number),
      jti: expect.any(String),
    };
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256' } };
    expect(proofs).toMatchObject([
      [header, proof],
      [header, { ...proof, nonce: 'n-1' }],
    ]);
    expect(proofs[0]?.[1].jti).not.toBe(proofs[1]?.[1].jti);
    expect(proofs[0]?.[0].jwk).not.toHaveProperty('d');
    // It still refuses: that is logged once, and the person is signed out.
    expect(app.lines.filter(({ msg }) => msg === 'the refresh token could not be revoked')).toHaveLength(1);
  }));

test('without a proof where they are not bound', () =>
  withPair({}, async (pair) => {
    await pair.browser.submit(await expectHonestSignIn(pair));
    expect(pair.op.proofs).toEqual(['']);
  }));
