import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import type { Page } from './helpers/browser.ts';
import { fetchFrom } from './helpers/fetch-from.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import type { Lie, Lies } from './helpers/misbehaving-replies.ts';
import { expectHonestSignIn, type Pair, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf } from './helpers/pair.ts';

// An API that takes an access token for invalid (RFC 6750 §3.1): refreshed once for that token, and no circles (R13).

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

const challenged = (challenge: string): Lie => ({ status: 401, headers: { 'www-authenticate': challenge } });
/** ASP.NET's AddJwtBearer, where no new token helps. */
const wrongAudience = `Bearer error="invalid_token", error_description="The audience 'https://provider-says' is invalid"`;
const endless: Lies = { token: { json: { expires_in: undefined } } };
const noRefreshToken: Lies = { token: { json: { expires_in: undefined, refresh_token: undefined } } };

/** The API refuses the tokens that it has seen by now, and takes newer ones. */
function refuseOldTokens({ op }: Pair, challenge = wrongAudience): void {
  const old = new Set(op.secrets);
  op.lieAboutTokens((token) => (old.has(token) ? challenged(challenge) : undefined));
}

function refuseAllTokens({ op }: Pair, challenge = wrongAudience): void {
  op.lieAboutTokens(() => challenged(challenge));
}

const signInWith = async (pair: Pair, lies: Lies) => {
  pair.op.next(lies);
  await expectHonestSignIn(pair);
};

/** It says what is wrong, and offers no sign-in, which would not help. */
function expectRefusalPage(page: Page): void {
  expect([page.status, headingOf(page)]).toEqual([200, 'Data from the API']);
  expect(page.body).toContain('The API: 401');
  expect(page.body).not.toContain('>Sign in again</a>');
  expect(page.body).not.toContain('provider-says');
}

const refusalLines = ({ app }: Pair) => app.lines.filter(({ msg }) => /API refuses/.test(msg));

describe('a token that the API refuses', () => {
  test.each([
    ['by Bearer', wrongAudience],
    ['by DPoP', 'DPoP algs="ES256", error="invalid_token"'],
    ['by a Bearer without quotes', 'bearer error=invalid_token'],
    ['by one challenge of two', 'Basic realm="x", Bearer realm="y", error="invalid_token"'],
  ])(
    '%s is refreshed once, although nobody said when it ends, and the call is made again',
    (_how, challenge) =>
      withPair({}, async (pair) => {
        const { op, app, open } = pair;
        await signInWith(pair, endless);
        expect((await open('/api-data')).status).toBe(200);
        pass(1_500);
        refuseOldTokens(pair, challenge);
        const page = await open('/api-data');
        expect([page.status, op.calls.token, op.calls.api]).toEqual([200, 2, 3]);
        expect(page.body).toContain('hello');
        expect(app.events('token.refreshed')).toHaveLength(1);
        expect(refusalLines(pair)).toEqual([]);
        expect((await open('/api-data')).status).toBe(200);
        expect([op.calls.token, op.calls.api]).toEqual([2, 4]);
      }),
  );

  test('by ten requests at once is refreshed once', () =>
    withPair({}, async (pair) => {
      const { op, open } = pair;
      await signInWith(pair, endless);
      refuseOldTokens(pair);
      const pages = await Promise.all(Array.from({ length: 10 }, () => open('/api-data')));
      expect(pages.map(({ body }) => body.includes('hello'))).toEqual(Array(10).fill(true));
      expect(op.calls.token).toBe(2);
    }));

  test.each([
    ['401 without a challenge', { status: 401 }],
    ['401 that asks for a token', challenged('Bearer realm="notes"')],
    ['401 for another reason', challenged('Bearer error="invalid_request"')],
    ['401 of another scheme', challenged('Basic error="invalid_token"')],
    ['403', { ...challenged('Bearer error="insufficient_scope"'), status: 403 }],
    ['400 invalid_token', { ...challenged('Bearer error="invalid_token"'), status: 400 }],
  ] as const)('is not meant by %s: that is an answer for the page', (_how, lie) =>
    withPair({}, async (pair) => {
      const { op, open } = pair;
      await signInWith(pair, endless);
      op.lieAboutTokens(() => lie);
      expect((await open('/api-data')).status).toBe(200);
      expect([op.calls.token, op.calls.api]).toEqual([1, 1]);
    }),
  );

  test('is not refreshed while the provider is away: 503, and nothing ends', () =>
    withPair({ op: { profile: { ...plain, keepsRefreshToken: true } } }, async (pair) => {
      const { op, open } = pair;
      await signInWith(pair, endless);
      refuseOldTokens(pair);
      op.nextRefresh({ token: { status: 503, headers: { 'retry-after': '11' } } });
      const page = await open('/api-data');
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '11']);
      expect((await open('/api-data')).body).toContain('hello');
    }));

  test('ends the session where the provider ended its own', () =>
    withPair({}, async (pair) => {
      await signInWith(pair, endless);
      refuseOldTokens(pair);
      pair.op.nextRefresh({
        token: { status: 400, json: { error: 'invalid_grant', error_description: 'Session not active' } },
      });
      expect((await pair.open('/api-data')).status).toBe(401);
      expect(pair.app.events('session.ended')).toMatchObject([{ reason: 'provider-session' }]);
    }));
});

describe('an API that refuses every token', () => {
  test('is shown as that, without a sign-in, and costs one refresh a minute however often it is asked', () =>
    withPair({}, async (pair) => {
      const { op, app, open } = pair;
      await signInWith(pair, endless);
      refuseAllTokens(pair);
      for (let times = 0; times < 5; times++) expectRefusalPage(await open('/api-data'));
      expect([op.calls.token, op.calls.api, op.calls.authorization]).toEqual([2, 6, 1]);
      pass(61);
      for (let times = 0; times < 3; times++) expectRefusalPage(await open('/api-data'));
      expect([op.calls.token, op.calls.authorization]).toEqual([3, 1]);
      expect(app.events('session.ended')).toEqual([]);
    }));

  test('is in the log with its own words, bounded and clean, and with what to do', () =>
    withPair({}, async (pair) => {
      await signInWith(pair, endless);
      const secret = 'A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6';
      refuseAllTokens(
        pair,
        `Bearer error="invalid_token", error_description="${secret} ${'long '.repeat(99)}"`,
      );
      await pair.open('/api-data');
      const [line] = refusalLines(pair);
      expect(line).toMatchObject({ level: 'error', api: pair.op.origin, error: 'invalid_token' });
      expect(String(line?.error_description).length).toBeLessThanOrEqual(200);
      expect(JSON.stringify(pair.app.lines)).not.toContain(secret.slice(0, 10));
      for (const what of ['OIDC_SCOPE', 'OIDC_AUDIENCE', 'OIDC_RESOURCE', 'DisableAccessTokenEncryption']) {
        expect(line?.hint).toContain(what);
      }
    }));

  test.each([
    ['there is no refresh token', noRefreshToken],
    ['the refresh token is dead', endless],
  ])('where %s asks for a sign-in only for a token older than a minute, and not in a circle', (_why, lies) =>
    withPair({}, async (pair) => {
      const { op, app, open, browser } = pair;
      await signInWith(pair, lies);
      refuseAllTokens(pair);
      const dead = () => op.nextRefresh({ token: { status: 400, json: { error: 'invalid_request' } } });
      dead();
      for (let times = 0; times < 3; times++) expectRefusalPage(await open('/api-data'));
      const asked = op.calls.token;
      pass(61);
      for (let times = 0; times < 2; times++) {
        const page = await open('/api-data');
        expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
      }
      expect(op.calls.token, 'once for that token').toBe(asked);
      op.honest();
      op.next(lies);
      refuseAllTokens(pair);
      dead();
      const back = await browser.get(app.url('/auth/login?returnTo=%2Fapi-data&renew=1'));
      expectRefusalPage(back);
      expect(app.events('session.ended')).toEqual([]);
    }),
  );
});

test('a form that calls the API sends its body again with the new token', async () => {
  const { startPair } = await import('./helpers/pair.ts');
  const { createServer } = await import('node:http');
  const { once } = await import('node:events');
  const { text } = await import('node:stream/consumers');
  const calls: (string | undefined)[][] = [];
  const api = createServer(async (req, res) => {
    calls.push([req.method, await text(req), req.headers.authorization]);
    if (calls.length === 1) res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' });
    res.end('done');
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
  const { port } = api.address() as { port: number };
  const pair = await startPair({
    routes: {
      mount: (app) =>
        app.get('/send', requireAuth(), async (req, res) => {
          const init = {
            method: 'POST',
            body: '{"note":1}',
            headers: { 'content-type': 'application/json' },
          };
          const answer = await fetchFrom(req, `http://127.0.0.1:${port}/`, init);
          res.send(`${answer.status} ${await answer.text()}`);
        }),
    },
  });
  const { page } = await pair.signIn('alice', '/send');
  expect(page.body).toBe('200 done');
  expect(calls.map(([method, body]) => [method, body])).toEqual(Array(2).fill(['POST', '{"note":1}']));
  expect(calls[0]?.[2]).not.toBe(calls[1]?.[2]);
  api.closeAllConnections();
  api.close();
  await pair.stop();
});
