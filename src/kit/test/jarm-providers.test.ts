import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, exportJWK, importJWK, type JWTPayload, SignJWT } from 'jose';
import type { ClientMetadata } from 'oidc-provider';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { startHttpsFront } from './helpers/https-front.ts';
import { type Instances, startInstances } from './helpers/instances.ts';
import { reasons } from './helpers/misbehaving-sign-in.ts';
import { headingOf, type Pair } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { startTwoProviders } from './helpers/two-providers.ts';
import { expectWholeLife, withPairOf } from './helpers/whole-life.ts';

// OIDC_RESPONSE_MODE=jwt with real providers, with several, and with two instances of the app.

/** The address of a real provider's answer, which was not opened. */
async function answered({ provider, app }: Pick<Pair, 'provider' | 'app'>, browser = createBrowser()) {
  const { location = '' } = await browser.get(app.url('/profile?tab=1'), { follow: false });
  return { browser, callback: new URL(await provider.signIn(browser, location, 'alice')), asked: location };
}

const codesSent = ({ provider }: Pick<Pair, 'provider'>) =>
  provider.requests.filter((line) => line === 'POST /token').length;

describe.concurrent('with a real provider, a signed answer', () => {
  const algs = ['RS256', 'RS512', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519'];
  test.each(algs)('by %s signs in, from the start to the sign-out', (alg) =>
    withPairOf(
      {
        algs: [alg],
        client: { authorization_signed_response_alg: alg, id_token_signed_response_alg: alg },
        overrides: {
          enabledJWA: {
            authorizationSigningAlgValues: [alg],
            idTokenSigningAlgValues: [alg],
            userinfoSigningAlgValues: [alg],
          },
          features: { jwtResponseModes: { enabled: true } },
        },
        env: { OIDC_RESPONSE_MODE: 'jwt', OIDC_ID_TOKEN_ALG: alg },
      },
      async (pair) => {
        const { callback } = await answered(pair);
        const response = callback.searchParams.get('response') ?? '';
        expect([...callback.searchParams.keys()]).toEqual(['response']);
        expect(decodeProtectedHeader(response).alg).toBe(alg);
        await expectWholeLife(pair);
      },
    ),
  );

  test.each([
    ['RS256', 'ES256', 'RS256'],
    ['ES256', 'RS256', 'ES256'],
    ['RS256', 'PS256', 'RS256'],
    ['RS256', 'HS256', 'RS256'],
  ])('where %s is set and it signs with %s is refused, and the log names what to register', (set, used) =>
    withPairOf(
      {
        algs: ['RS256', 'ES256', 'PS256'],
        client: { authorization_signed_response_alg: used, id_token_signed_response_alg: set },
        overrides: { enabledJWA: { authorizationSigningAlgValues: ['RS256', 'ES256', 'PS256', 'HS256'] } },
        env: { OIDC_RESPONSE_MODE: 'jwt', OIDC_ID_TOKEN_ALG: set },
      },
      async (pair) => {
        const { page, browser } = await pair.signIn('alice');
        expect([page.status, headingOf(page)]).toEqual([502, "We couldn't verify your sign-in"]);
        expect(pair.app.events('sign_in.failed')).toMatchObject([
          {
            reason: 'answer_invalid',
            hint: `the authorization answer is signed with ${used}, and OIDC_ID_TOKEN_ALG is ${set}: register authorization_signed_response_alg=${set} for this app at the provider (its default is RS256)`,
          },
        ]);
        expect([browser.cookie('session'), codesSent(pair)]).toEqual([undefined, 0]);
      },
    ),
  );

  test('that is encrypted is refused, and the log says what to take out', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const client: Partial<ClientMetadata> = {
      authorization_encrypted_response_alg: 'RSA-OAEP-256',
      authorization_encrypted_response_enc: 'A256GCM',
      jwks: { keys: [{ ...(await exportJWK(publicKey)), use: 'enc', kid: 'enc' }] },
    };
    await withPairOf({ client, env: { OIDC_RESPONSE_MODE: 'jwt' } }, async (pair) => {
      const { page } = await pair.signIn('alice');
      expect([page.status, headingOf(page)]).toEqual([400, "We couldn't complete your sign-in"]);
      expect(pair.app.events('sign_in.failed')).toMatchObject([
        {
          reason: 'callback_parameters',
          hint: expect.stringMatching(/encrypted: .* without authorization_encrypted_response_alg$/),
        },
      ]);
      expect(codesSent(pair)).toBe(0);
    });
  });

  test('and its errors are signed too', () =>
    withPairOf(
      { env: { OIDC_RESPONSE_MODE: 'jwt', OIDC_SCOPE: 'openid profile', OIDC_PAR: 'off' } },
      async (pair) => {
        const { app, provider } = pair;
        const browser = createBrowser();
        const { location = '' } = await browser.get(app.url('/profile?tab=1'), { follow: false });
        const asked = new URL(location);
        asked.searchParams.set('prompt', 'none');
        const { location: back = '' } = await browser.get(asked.href, { follow: false });
        expect([...new URL(back).searchParams.keys()]).toEqual(['response']);
        const page = await browser.get(back);
        expect([page.status, codesSent({ provider })]).toEqual([400, 0]);
        expect(app.events('sign_in.failed')).toMatchObject([
          { reason: 'login_required', error: 'login_required', error_description: expect.any(String) },
        ]);
        expect((await pair.signIn('alice', '/profile', browser)).page.status).toBe(200);
      },
    ));

  test('whose code somebody exchanged for their own, with the key of the provider alone', () =>
    withPairOf({ env: { OIDC_RESPONSE_MODE: 'jwt' } }, async (pair) => {
      const first = await answered(pair);
      const second = await answered(pair);
      const claims = decodeJwt(first.callback.searchParams.get('response') ?? '');
      const { code } = decodeJwt(second.callback.searchParams.get('response') ?? '');
      const exchanged = await signed(pair, { ...claims, code });
      first.callback.searchParams.set('response', exchanged);
      const page = await first.browser.get(first.callback.href);
      // The signature is good; PKCE is not (R1).
      expect([page.status, reasons(pair.app)]).toEqual([502, ['token_refused']]);
    }));
});

/** Signed with the provider's own key. */
async function signed({ provider }: Pair, claims: JWTPayload): Promise<string> {
  const [key] = provider.jwks.keys;
  if (!key) throw new Error('the provider has no key');
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'RS256', kid: key.kid })
    .sign(await importJWK(key, 'RS256'));
}

describe('of two providers', () => {
  let two: TwoLiars;
  beforeAll(async () => {
    two = await startTwoLiars({
      env: { OIDC_WORK_RESPONSE_MODE: 'jwt', OIDC_SOCIAL_RESPONSE_MODE: 'jwt' },
    });
  });
  afterAll(() => two?.stop());
  afterEach(() => two.reset());
  const lastFailure = () => two.app.events('sign_in.failed').at(-1);

  async function expectNothingCame(browser: ReturnType<typeof createBrowser>): Promise<void> {
    expect([two.work.calls.token, two.social.calls.token]).toEqual([0, 0]);
    expect((await two.open(browser, '/anyone')).body).toBe('{"roles":null}');
  }

  test('each signs in', async () => {
    expect((await two.open(createBrowser(), '/auth/login/work?returnTo=/who')).body).toContain('Ada at work');
    expect((await two.open(createBrowser(), '/auth/login/social?returnTo=/who')).body).toContain(
      'Ada elsewhere',
    );
  });

  test.each([
    ['social', '/auth/callback/work', 'issuer_mismatch', 'issuer_mismatch'],
    ['work', '/auth/callback/social', 'issuer_mismatch', 'issuer_mismatch'],
    ['work', '/auth/callback', 'state_missing', undefined],
  ] as const)('an answer of %s at %s is refused, its code not sent', async (name, path, reason, later) => {
    const browser = createBrowser();
    const right = await (await two.begin(browser, name)).answer();
    const page = await browser.get(two.app.url(path + right.search));
    expect([page.status, lastFailure()?.reason]).toEqual([400, reason]);
    await expectNothingCame(browser);
    // At another provider's address the sign-in is over; at nobody's it has not been found.
    const landed = await browser.get(right.href);
    expect(landed.status).toBe(later ? 400 : 200);
  });

  test.each(['work', 'social'] as const)(
    'an answer of %s that names the other one is refused',
    async (name) => {
      const other = name === 'work' ? two.social : two.work;
      two[name].next({ jwt: { claims: { iss: other.issuer } } });
      const browser = createBrowser();
      await two.open(browser, `/auth/login/${name}?returnTo=/who`);
      expect(lastFailure()).toMatchObject({
        reason: 'issuer_mismatch',
        hint: `iss in the authorization answer is not the issuer of OIDC_${name.toUpperCase()}_ISSUER`,
      });
      await expectNothingCame(browser);
    },
  );

  test('an answer that the other one signed, with the same key id and in the name of the first, is refused', async () => {
    const browser = createBrowser();
    const { request, answer } = await two.begin(browser, 'work');
    const right = await answer();
    const begun = await two.begin(browser, 'social');
    two.social.next({
      answer: { state: request.get('state') ?? '' },
      jwt: { claims: { iss: two.work.issuer } },
    });
    const forged = await begun.answer();
    right.search = forged.search;
    await browser.get(right.href);
    expect(lastFailure()?.reason).toBe('answer_invalid');
    await expectNothingCame(browser);
  });

  test('a hint names the settings of the one that it is about', async () => {
    const browser = createBrowser();
    await two.open(browser, '/auth/callback/work?code=a&state=b');
    expect(lastFailure()?.hint).toMatch(/^OIDC_WORK_RESPONSE_MODE is jwt/);
    two.work.next({ jwt: { sign: 'ES256' } });
    await two.open(browser, '/auth/login/work?returnTo=/who');
    expect(lastFailure()?.hint).toMatch(/OIDC_WORK_ID_TOKEN_ALG is RS256/);
  });
});

test('one answers by a signed JWT and the other by a form', async () => {
  const front = await startHttpsFront();
  const mixed = await startTwoProviders({
    env: { OIDC_GOOGLE_RESPONSE_MODE: 'form_post', OIDC_WORK_RESPONSE_MODE: 'jwt', TRUST_PROXY_HOPS: '1' },
    baseUrl: front.origin,
    ca: front.ca,
  });
  onTestFinished(async () => {
    await front.stop();
    await mixed.stop();
  });
  front.lead(mixed.app.origin);
  const browser = createBrowser({ ca: front.ca });
  for (const name of ['google', 'work', 'google', 'work'] as const) {
    const { page } = await mixed.signIn(name, 'alice', { browser });
    expect([page.status, page.url]).toEqual([200, mixed.url('/profile')]);
  }
  const ofWork = browser.setCookies.filter(
    ({ url, line }) => url.includes('/auth/login/work') && /^__Host-login-/.test(line),
  );
  expect(ofWork.map(({ line }) => /SameSite=\w+/.exec(line)?.[0])).toEqual(['SameSite=Lax', 'SameSite=Lax']);
  // Each only in its own way.
  const stranger = createBrowser({ ca: front.ca });
  const form = { response: 'a.b.c' };
  const posted = await stranger.post(mixed.url('/auth/callback/work'), form, {}, mixed.work.issuer);
  expect(posted.status).toBe(403);
  expect((await stranger.get(mixed.url('/auth/callback/google?response=a.b.c'))).status).toBe(400);
});

describeWithRedis('with two instances, a signed answer', () => {
  let all: Instances;
  beforeAll(async () => {
    all = await startInstances({ env: { OIDC_RESPONSE_MODE: 'jwt' } });
  });
  afterAll(() => all?.stop());

  test('that comes to both at once signs in, and its code is sent once', async () => {
    const { one, two, provider } = all;
    const sent = codesSent(all);
    const { browser, callback } = await answered({ provider, app: one });
    const pages = await Promise.all(
      Array.from({ length: 6 }, (_, turn) =>
        browser.get(callback.href.replace(one.origin, turn % 2 ? two.origin : one.origin)),
      ),
    );
    expect(pages.map(({ status }) => status)).toEqual(Array(6).fill(200));
    expect(codesSent(all) - sent).toBe(1);
  });
});
