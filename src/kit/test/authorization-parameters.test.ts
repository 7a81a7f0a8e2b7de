import type { Express } from 'express';
import { describe, expect, test, vi } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { offlineAccess } from '../provider/quirks.ts';
import { markOn } from './helpers/browser.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import {
  expectHonestSignIn,
  expectPlainFailure,
  type Pair,
  reasons,
  withPair,
} from './helpers/misbehaving-sign-in.ts';

// What the app asks of the provider when it sends somebody there, setting by setting.
vi.setConfig({ maxConcurrency: 8 });

/** What each of these settings becomes in the request. */
const cases: [setting: string, value: string, parameter: string][] = [
  ['OIDC_AUDIENCE', 'https://api.example.com', 'audience'],
  ['OIDC_RESOURCE', 'https://api.example.com/v1', 'resource'],
  ['OIDC_PROMPT', 'select_account', 'prompt'],
  ['OIDC_PROMPT', 'login  consent', 'prompt'],
  ['OIDC_ACR_VALUES', 'urn:example:mfa urn:example:password', 'acr_values'],
  ['OIDC_MAX_AGE', '3600', 'max_age'],
  ['OIDC_MAX_AGE', '0', 'max_age'],
  ['OIDC_UI_LOCALES', 'de-CH en', 'ui_locales'],
  ['OIDC_SCOPE', 'openid api://orders/read', 'scope'],
  ['OIDC_AUTHORIZATION_PARAMETERS', 'hd=example.com', 'hd'],
  ['OIDC_AUTHORIZATION_PARAMETERS', 'prompt=login', 'prompt'],
  ['OIDC_AUTHORIZATION_PARAMETERS', 'ui_locales=de', 'ui_locales'],
  ['OIDC_AUTHORIZATION_PARAMETERS', 'claims={"id_token":{"email":null}}', 'claims'],
];
const parameters = [...new Set(cases.map(([, , parameter]) => parameter))];
const always = [
  'client_id',
  'code_challenge',
  'code_challenge_method',
  'nonce',
  'redirect_uri',
  'response_type',
  'scope',
  'state',
];

async function signInWith(env: Record<string, string>, use: (asked: URLSearchParams, pair: Pair) => void) {
  await withPair({ env }, async (pair) => {
    await expectHonestSignIn(pair);
    use(pair.op.latest.authorization ?? new URLSearchParams(), pair);
  });
}

describe.concurrent('the request for a sign-in', () => {
  test('holds nothing that was not set', () =>
    signInWith({}, (asked) => {
      expect([...asked.keys()].sort()).toEqual(always);
      expect(asked.get('scope')).toBe('openid profile email offline_access');
    }));

  test.each(cases)('says %s=%s', (setting, value, parameter) =>
    signInWith({ [setting]: value }, (asked) => {
      const said = setting === 'OIDC_AUTHORIZATION_PARAMETERS' ? value.slice(parameter.length + 1) : value;
      expect(asked.getAll(parameter)).toEqual([said.replace(/ +/g, ' ')]);
      for (const other of parameters.filter((name) => name !== parameter && name !== 'scope')) {
        expect(asked.has(other), other).toBe(false);
      }
    }),
  );

  test('holds OIDC_AUTHORIZATION_PARAMETERS at a step-up and a third-party start too, and for a pushed request', () => {
    const env = { OIDC_AUTHORIZATION_PARAMETERS: 'organization=acme&login_hint=first', OIDC_PAR: 'require' };
    const mount = (app: Express) =>
      app.get('/fresh', requireAuth({ acr: 'urn:example:mfa' }), (_req, res) => void res.send('fresh'));
    return withPair({ op: { par: true }, env, routes: { mount } }, async (pair) => {
      const { op, app, browser, open } = pair;
      const said = () => ['organization', 'login_hint'].map((name) => op.latest.authorization?.get(name));
      await expectHonestSignIn(pair);
      await open('/fresh');
      expect([op.latest.authorization?.get('acr_values'), ...said()]).toEqual([
        'urn:example:mfa',
        'acme',
        'first',
      ]);
      const fields = { iss: op.issuer, target_link_uri: '/profile', login_hint: 'second' };
      await browser.post(app.url('/auth/initiate-login'), fields);
      expect(said()).toEqual(['acme', 'first']);
    });
  });

  test('asks with OIDC_MAX_AGE again once the sign-in there is older', () =>
    withPair({ env: { OIDC_MAX_AGE: '60' } }, async ({ op, app, open }) => {
      op.next({ idToken: { auth_time: Math.floor(Date.now() / 1000) - 3_600 } });
      expectPlainFailure(await open('/profile'), app);
      expect(reasons(app)).toEqual(['not_fresh']);
    }));

  test('names the API of OIDC_RESOURCE at the token endpoint too, and at each refresh (RFC 8707 §2.2)', () =>
    withPair({ env: { OIDC_RESOURCE: 'https://api.example.com' } }, async (pair) => {
      const { op, open } = pair;
      op.next({ token: { json: { expires_in: 1 } } });
      await expectHonestSignIn(pair);
      expect(op.latest.token?.get('resource')).toBe('https://api.example.com');
      await open('/api-data');
      expect(op.latest.token?.get('grant_type')).toBe('refresh_token');
      expect(op.latest.token?.get('resource')).toBe('https://api.example.com');
    }));
});

describe.concurrent('pushed authorization requests (RFC 9126)', () => {
  test.each([
    ['auto', true, true],
    ['auto', false, false],
    ['require', true, true],
    ['off', true, false],
    ['off', false, false],
  ])('OIDC_PAR=%s, offered: %s, used: %s', (OIDC_PAR, par, used) =>
    withPair({ op: { par }, env: { OIDC_PAR, OIDC_PROMPT: 'consent' } }, async (pair) => {
      const { op, app, browser } = pair;
      const { location = '' } = await browser.get(app.url('/profile?tab=1'), { follow: false });
      const sent = new URL(location).searchParams;
      if (used) expect([...sent.keys()].sort()).toEqual(['client_id', 'request_uri']);
      else expect(sent.get('prompt')).toBe('consent');
      await expectHonestSignIn(pair);
      expect(op.calls.par).toBe(used ? 2 : 0);
      expect(op.latest.authorization?.get('prompt')).toBe('consent');
    }),
  );

  test('OIDC_PAR=require signs nobody in where they are not offered, and the log says why', () =>
    withPair({ env: { OIDC_PAR: 'require' } }, async ({ op, app, open }) => {
      expectPlainFailure(await open('/profile'), app);
      expect(app.events('sign_in.failed')).toMatchObject([
        { reason: 'discovery_invalid', hint: expect.stringContaining('offers no PAR') },
      ]);
      expect(op.calls.authorization).toBe(0);
    }));
});

describe.concurrent('the scope offline_access', () => {
  const knowing = (...scopes_supported: string[]) => ({
    op: { profile: { ...plain, metadata: { scopes_supported }, scopes: scopes_supported } },
  });

  test('is left out where the provider does not know it, for it would refuse the whole request', () =>
    withPair(knowing('openid', 'profile', 'email'), async (pair) => {
      await expectHonestSignIn(pair);
      expect(pair.op.latest.authorization?.get('scope')).toBe('openid profile email');
      expect(pair.op.latest.authorization?.has('access_type')).toBe(false);
    }));

  test('is asked for where the provider knows it', () =>
    withPair(knowing('openid', 'profile', 'email', 'offline_access'), async (pair) => {
      await expectHonestSignIn(pair);
      expect(pair.op.latest.authorization?.get('scope')).toBe('openid profile email offline_access');
    }));

  test.each([
    ['openid profile', 'openid profile offline_access'],
    ['openid offline_access profile', 'openid offline_access profile'],
  ])('is asked for all the same with OIDC_OFFLINE_ACCESS=always (%s)', (OIDC_SCOPE, asked) =>
    withPair(
      {
        op: { profile: { ...plain, metadata: { scopes_supported: ['openid', 'profile'] } } },
        env: { OIDC_SCOPE, OIDC_OFFLINE_ACCESS: 'always' },
      },
      async (pair) => {
        await expectHonestSignIn(pair);
        expect(pair.op.latest.authorization?.get('scope')).toBe(asked);
      },
    ),
  );

  test('is asked for as it is set where the metadata says nothing of scopes, or nonsense', () => {
    const issuer = 'https://op.example';
    for (const scopes_supported of [undefined, null, 'openid', 7, {}]) {
      const metadata = { issuer, scopes_supported } as { issuer: string };
      expect(offlineAccess('openid offline_access', metadata)).toEqual({ scope: 'openid offline_access' });
      expect(offlineAccess('openid', metadata)).toEqual({ scope: 'openid' });
      expect(offlineAccess('openid', metadata, 'always')).toEqual({ scope: 'openid offline_access' });
    }
  });

  test('becomes access_type=offline at Google, and only there', () => {
    const scopes_supported = ['openid', 'email', 'profile'];
    const google = { issuer: 'https://accounts.google.com', scopes_supported };
    const scope = 'openid email';
    expect(offlineAccess(`${scope} offline_access`, google)).toEqual({ scope, access_type: 'offline' });
    expect(offlineAccess(scope, google)).toEqual({ scope });
    expect(offlineAccess(scope, google, 'always')).toEqual({ scope, access_type: 'offline' });
    const other = { issuer: 'https://accounts.google.com.example', scopes_supported };
    expect(offlineAccess(`${scope} offline_access`, other)).toEqual({ scope });
  });
});

describe.concurrent('acr_values that name an identity provider or a tenant (IdentityServer)', () => {
  test.each(['idp:Google', 'tenant:acme', 'idp:Google tenant:acme'])('%s is sent and not checked', (value) =>
    withPair({ env: { OIDC_ACR_VALUES: value } }, async (pair) => {
      pair.op.next({ idToken: { acr: undefined } });
      await expectHonestSignIn(pair);
      expect(pair.op.latest.authorization?.get('acr_values')).toBe(value);
    }),
  );

  test.each([
    ['idp:Google urn:example:mfa', 'urn:example:mfa', true],
    ['urn:example:mfa tenant:acme', 'urn:example:password', false],
    ['idp:Google urn:example:mfa', 'idp:Google', false],
    ['idp', 'another', false],
    ['xidp:Google', 'another', false],
  ])('beside others these are still checked: %s, answered by %s: %s', (value, acr, signsIn) =>
    withPair({ env: { OIDC_ACR_VALUES: value } }, async ({ op, app, open }) => {
      op.next({ idToken: { acr } });
      expect((await open('/profile')).status).toBe(signsIn ? 200 : 403);
      expect(op.latest.authorization?.get('acr_values')).toBe(value);
      expect(reasons(app)).toEqual(signsIn ? [] : ['acr_not_met']);
    }),
  );

  test('stay in the request when a rule asks for a stronger sign-in', () => {
    const mount = (app: Express) =>
      app.get('/strong', requireAuth({ acr: 'urn:example:mfa' }), (_req, res) => void res.send('strong'));
    const env = { OIDC_ACR_VALUES: 'tenant:acme urn:example:password' };
    return withPair({ env, routes: { mount } }, async (pair) => {
      pair.op.next({ idToken: { acr: 'urn:example:password' } });
      await expectHonestSignIn(pair);
      expect((await pair.open('/strong')).body).toBe('strong');
      expect(pair.op.latest.authorization?.get('acr_values')).toBe('urn:example:mfa tenant:acme');
    });
  });

  test('are no rule on their own, for no answer could ever meet it', () => {
    for (const acr of ['idp:Google', ['idp:Google', 'tenant:acme']]) {
      expect(() => requireAuth({ acr })).toThrow('is only sent');
    }
    expect(() => requireAuth({ acr: ['idp:Google', 'urn:example:mfa'] })).not.toThrow();
  });
});

describe.concurrent('"Use another account"', () => {
  test.each([
    ['nothing', undefined, {}, 'select_account'],
    ['that it can', ['none', 'login', 'select_account'], {}, 'select_account'],
    ['that it cannot', ['none', 'login', 'consent'], {}, 'login'],
    ['that it knows none', [], {}, 'login'],
    ['nonsense', 'login', {}, 'select_account'],
    [
      'that it can, and consent is always asked',
      ['select_account'],
      { OIDC_PROMPT: 'consent' },
      'select_account consent',
    ],
    ['that it cannot, and login is always asked', ['login'], { OIDC_PROMPT: 'login' }, 'login'],
  ])('where the metadata says %s (%j, %j) asks prompt=%s', (_, prompt_values_supported, env, prompt) =>
    withPair({ op: { profile: { ...plain, metadata: { prompt_values_supported } } }, env }, async (pair) => {
      const { op, app, browser } = pair;
      const fields = { iss: op.issuer, target_link_uri: '/profile', switch: 'yes' };
      const page = await browser.post(app.url('/auth/initiate-login'), fields);
      expect(page.status).toBe(200);
      expect(op.latest.authorization?.get('prompt')).toBe(prompt);
    }),
  );
});

test('a rule that wants a recent sign-in makes OIDC_MAX_AGE stricter, never laxer, and consent stays', () =>
  withPair({ env: { OIDC_MAX_AGE: '30', OIDC_PROMPT: 'consent' } }, async ({ op, app, open, browser }) => {
    op.next({ idToken: { auth_time: Math.floor(Date.now() / 1000) - 40 } });
    const form = markOn(await open('/sessions'));
    try {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 700_000 });
      await browser.post(app.url('/sessions/end-others'), form);
      const asked = op.latest.authorization;
      expect([asked?.get('max_age'), asked?.get('prompt')]).toEqual(['30', 'login consent']);
    } finally {
      vi.useRealTimers();
    }
  }));
