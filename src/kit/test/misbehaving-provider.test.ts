import { describe, expect, test, vi } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { answerCases } from './helpers/misbehaving-cases-answers.ts';
import { claimCases, idTokenCases, signatureCases } from './helpers/misbehaving-cases-id-token.ts';
import { discoveryCases, keyCases, parCases } from './helpers/misbehaving-cases-metadata.ts';
import { tokenCases, userinfoCases } from './helpers/misbehaving-cases-tokens.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import type { ProviderOptions } from './helpers/misbehaving-provider.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import {
  type Case,
  expectHonestSignIn,
  expectPlainFailure,
  expectRefused,
  reasons,
  withPair,
} from './helpers/misbehaving-sign-in.ts';

// What the OpenID Foundation's relying-party tests try, and more: the provider is a stub that lies on demand.
// Some cases wait five seconds for a provider that says nothing, so all run side by side.
vi.setConfig({ maxConcurrency: 16, testTimeout: 30_000 });

const tables: Record<string, Case[]> = {
  'an answer to the browser that is wrong': answerCases,
  'a token endpoint that misbehaves': tokenCases,
  'userinfo that misbehaves': userinfoCases,
  'a key set that cannot be used': keyCases,
  'metadata that cannot be used': discoveryCases,
  'a pushed request that goes wrong': parCases,
  'claims that are not of this sign-in': claimCases,
  'an ID token that does not prove a sign-in now': idTokenCases,
  'a signature that proves nothing': signatureCases,
  'a signature that proves nothing, below an auth_time that is no time,': signatureCases.map(withoutTime),
};

/** Such a token is signed anew on its way to the library (auth-time.ts): that must not make it valid (R2). */
function withoutTime(honest: Case): Case {
  const { lies } = honest;
  return {
    ...honest,
    lies: async (op) => ({
      idToken: { auth_time: 0 },
      ...(typeof lies === 'function' ? await lies(op) : lies),
    }),
  };
}

for (const [title, cases] of Object.entries(tables)) {
  describe.concurrent(`${title} signs nobody in`, () => {
    for (const each of cases) test(each.name, () => expectRefused(each));
  });
}

describe.concurrent('an answer out of turn', () => {
  test('that nobody asked for is refused, and its code is not sent', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      const page = await open(
        `/auth/callback?code=made-up&state=unknown&iss=${encodeURIComponent(op.issuer)}`,
      );
      expectPlainFailure(page, app);
      expect(reasons(app)).toEqual(['state_unknown']);
      expect(op.calls.token).toBe(0);
      await expectHonestSignIn(pair);
    }));

  test('that belongs to another browser is refused, and its code is not sent', () =>
    withPair({}, async (pair) => {
      const { op, app, browser } = pair;
      const stranger = createBrowser();
      const toCallback = (url: string) => !url.startsWith(`${app.origin}/auth/callback`);
      const { location = '' } = await stranger.get(app.url('/profile'), { follow: toCallback });
      expectPlainFailure(await browser.get(location), app);
      expect(reasons(app)).toEqual(['state_unknown']);
      expect(op.calls.token).toBe(0);
      await expectHonestSignIn(pair);
    }));
});

describe.concurrent('an unusual sign-in that is in order succeeds', () => {
  const fine: { name: string; lies?: Lies; op?: Partial<ProviderOptions>; env?: Record<string, string> }[] = [
    { name: 'one key and no kid', op: { oneKey: true, noKid: true } },
    { name: 'the second of two keys', lies: { sign: 'second-key' } },
    ...(['PS256', 'ES256', 'EdDSA'] as const).map((alg) => ({
      name: `an ID token signed with ${alg}`,
      op: { alg },
      env: { OIDC_ID_TOKEN_ALG: alg },
    })),
    { name: 'signed userinfo', lies: { userinfoSigned: 'RS256' } },
    { name: 'an audience that is a list of one', lies: { idToken: { aud: ['web app:1'] } } },
    { name: 'our own azp', lies: { idToken: { azp: 'web app:1' } } },
    { name: 'no at_hash', lies: { idToken: { at_hash: undefined } } },
    {
      name: 'no refresh token and no lifetime',
      lies: { token: { json: { refresh_token: undefined, expires_in: undefined } } },
    },
    { name: 'a token type in lower case', lies: { token: { json: { token_type: 'bearer' } } } },
    {
      name: 'parameters in the answer that nobody knows',
      lies: { answer: { session_state: 'abc', hd: 'example.com' } },
    },
    { name: 'the client secret in the body', env: { OIDC_CLIENT_AUTH: 'client_secret_post' } },
    { name: 'a pushed request', op: { par: true } },
    {
      name: 'a broken userinfo that is not asked',
      lies: { userinfo: { status: 500 } },
      env: { OIDC_USERINFO: 'false' },
    },
    {
      name: 'metadata that does not speak of PKCE',
      lies: { discovery: { json: { code_challenge_methods_supported: undefined } } },
    },
    {
      name: 'metadata that only offers PKCE in plain text',
      lies: { discovery: { json: { code_challenge_methods_supported: ['plain'] } } },
    },
    { name: 'the strength that was asked for', env: { OIDC_ACR_VALUES: 'urn:example:mfa' } },
    { name: 'a recent sign-in where one was asked for', env: { OIDC_MAX_AGE: '60' } },
    { name: 'an issuer that ends in a slash', op: { profile: { ...plain, issuerPath: '/tenant/' } } },
  ];
  for (const { name, ...more } of fine) {
    test(name, () =>
      withPair(more, async (pair) => {
        await expectHonestSignIn(pair);
        expect(reasons(pair.app)).toEqual([]);
      }),
    );
  }
});

test('claims that hold scripts, lists and objects are printed and do nothing', () => {
  const script = '<script>alert(1)</script>';
  const idToken = {
    nickname: script,
    [script]: script,
    email: { a: [script] },
    roles: { admin: 'true' },
    picture: 5,
  };
  return withPair({ lies: { idToken } }, async (pair) => {
    const page = await expectHonestSignIn(pair);
    expect(page.body).not.toContain(script);
    expect(page.body).toContain('&lt;script&gt;');
    expect((await pair.open('/admin')).status).toBe(403);
  });
});

describe.concurrent('keys that rotate', () => {
  test('between two sign-ins are taken up', () =>
    withPair({}, async (pair) => {
      await expectHonestSignIn(pair);
      pair.op.rotateKeys();
      await expectHonestSignIn({ ...pair, open: (path) => createBrowser().get(pair.app.url(path)) });
    }));

  test('between redirect and answer are taken up', () =>
    withPair({}, async (pair) => {
      const { op, app, browser } = pair;
      await expectHonestSignIn({ ...pair, open: (path) => createBrowser().get(app.url(path)) });
      const atProvider = await browser.get(app.url('/profile'), { follow: false });
      op.rotateKeys();
      const page = await browser.get(atProvider.location ?? '');
      expect([page.status, page.url]).toEqual([200, app.url('/profile')]);
    }));

  test('do not let unknown key ids hammer the key set', () =>
    withPair({}, async (pair) => {
      const { op, app } = pair;
      await expectHonestSignIn(pair);
      const before = op.calls.jwks;
      const started = Date.now();
      const answers = [];
      for (let i = 0; i < 8; i++) {
        const browser = createBrowser();
        op.next({ sign: 'unknown-kid', header: { kid: `nobody-${i}` } });
        const { location = '' } = await browser.get(app.url('/profile'), { follow: false });
        const back = await browser.get(location, { follow: false });
        answers.push(browser.get(back.location ?? ''));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      await Promise.all(answers);
      expect(reasons(app)).toEqual(Array(8).fill('id_token_signature'));
      expect(op.calls.jwks - before).toBeLessThanOrEqual(1 + (Date.now() - started) / 2_500);
    }));
});

describe.concurrent('clocks', () => {
  const clocks = [
    { ahead: 240, lies: {}, words: /4 min ahead/ },
    { ahead: 240, lies: { idToken: { nbf: Math.floor(Date.now() / 1000) + 240 } }, words: /4 min ahead/ },
    { ahead: -600, lies: {}, words: /10 min behind/ },
  ];
  for (const { ahead, lies, words } of clocks) {
    test(`that are ${ahead} seconds apart are told apart in the log${lies.idToken ? ', by nbf too' : ''}`, () =>
      withPair({}, async (pair) => {
        const { op, app, open } = pair;
        op.setClockAhead(ahead);
        op.next(lies);
        expectPlainFailure(await open('/profile'), app);
        expect(reasons(app)).toEqual(['clock']);
        expect(JSON.stringify(app.events('sign_in.failed'))).toMatch(words);
        op.setClockAhead(0);
        await expectHonestSignIn(pair);
      }));
  }

  test('that are 20 seconds apart do no harm', () =>
    withPair({}, async (pair) => {
      pair.op.setClockAhead(20);
      await expectHonestSignIn(pair);
    }));
});
