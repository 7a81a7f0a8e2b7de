import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Sessions } from '../store/index.ts';
import { freePort } from '../testing/processes.ts';
import type { TestApp } from './helpers/app.ts';
import { type AppWithRoutes, startAppWithRoutes } from './helpers/app-with-routes.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { statusOf } from './helpers/instances.ts';
import { logoutEvent } from './helpers/logout-tokens.ts';
import { signToken } from './helpers/misbehaving-keys.ts';
import { type MisbehavingProvider, startMisbehavingProvider } from './helpers/misbehaving-provider.ts';

// Back-channel logout as servers other than ours send it, and what must be refused all the same. The shapes are those
// of tokens that the real servers sent.

let op: MisbehavingProvider;
let app: AppWithRoutes;
/** What the store does instead, once, when sessions are to be ended. */
let fault: (() => Promise<number>) | undefined;

beforeAll(async () => {
  const port = await freePort();
  op = await startMisbehavingProvider({ appOrigin: `http://127.0.0.1:${port}` });
  const settings = {
    OIDC_ISSUER: op.issuer,
    OIDC_CLIENT_ID: op.clientId,
    OIDC_CLIENT_SECRET: op.clientSecret,
  };
  app = await startAppWithRoutes(settings, { wrap: faulty }, port);
});
afterAll(async () => {
  await app?.stop();
  await op?.stop();
});

function faulty(sessions: Sessions): Sessions {
  const { endOwner } = sessions;
  sessions.endOwner = (...args) => {
    const instead = fault;
    fault = undefined;
    return instead ? instead() : endOwner(...args);
  };
  return sessions;
}

/** Somebody signed in, with this sid in the ID token, or none. */
async function signIn(sid?: string): Promise<Browser> {
  const browser = createBrowser();
  op.next({ idToken: { sid } });
  expect((await browser.get(app.url('/profile'))).status).toBe(200);
  return browser;
}

interface Token {
  typ?: unknown;
  claims: Record<string, unknown>;
}

function post(token: string, at: TestApp = app): Promise<Response> {
  const body = new URLSearchParams({ logout_token: token });
  return fetch(at.url('/auth/backchannel-logout'), { method: 'POST', body });
}

async function send({ typ, claims }: Token): Promise<Response> {
  const signing = { signing: 'RS256', alg: 'RS256', turn: 1, clientSecret: '' } as const;
  return post(await signToken(claims, { ...signing, header: { typ } }));
}

const seconds = () => Math.floor(Date.now() / 1000);
const events = { [logoutEvent]: {} };
const common = () => ({ iss: op.issuer, iat: seconds(), jti: randomUUID(), events });

/** As each server makes one for the session `sid` of `user-1`. */
const servers: [string, (sid: string) => Token][] = [
  ['Ory Hydra 2.3', (sid) => ({ typ: 'JWT', claims: { ...common(), aud: [op.clientId], sid } })],
  [
    'LemonLDAP::NG 2.21',
    (sid) => ({ typ: 'JWT', claims: { ...common(), aud: [op.clientId], sub: 'user-1', sid } }),
  ],
  ['Glewlwyd 2.7', (sid) => ({ typ: 'JWT', claims: { ...common(), aud: op.clientId, sub: 'user-1', sid } })],
  [
    'IdentityServer4 4.1',
    (sid) => {
      const times = { nbf: seconds(), exp: seconds() + 300 };
      const claims = { ...times, ...common(), aud: op.clientId, sub: 'user-1', sid };
      return { typ: 'at+jwt', claims };
    },
  ],
  [
    'better-auth 1.7, oidc-provider',
    (sid) => {
      const claims = { ...common(), aud: op.clientId, exp: seconds() + 120, sub: 'user-1', sid };
      return { typ: 'logout+jwt', claims };
    },
  ],
  [
    'Keycloak before 24',
    (sid) => {
      const claims = {
        ...common(),
        aud: op.clientId,
        exp: seconds() + 120,
        typ: 'Logout',
        sub: 'user-1',
        sid,
      };
      return { typ: 'JWT', claims };
    },
  ],
];

describe.each(servers)('a logout token as %s sends it', (_server, tokenFor) => {
  test('ends the session it names and no other, once', async () => {
    const [one, other] = [await signIn('one'), await signIn('other')];
    const token = tokenFor('one');
    const answer = await send(token);
    expect([answer.status, await answer.text()]).toEqual([200, '']);
    expect([await statusOf(one, app), await statusOf(other, app)]).toEqual([401, 200]);
    expect((await send(token)).status).toBe(400);
  });

  test.each([
    ['a nonce', { nonce: 'n' }],
    ['no event', { events: {} }],
    ['an event that is no object', { events: { [logoutEvent]: 'yes' } }],
    ['another audience', { aud: 'another' }],
    ['no audience', { aud: undefined }],
    ['another issuer', { iss: 'https://other.example.com' }],
    ['no jti', { jti: undefined }],
    ['no iat', { iat: undefined }],
    ['an iat of long ago', { iat: seconds() - 3_600 }],
    ['neither sub nor sid', { sub: undefined, sid: undefined }],
  ])('is refused with %s', async (_what, changes) => {
    const browser = await signIn('one');
    const { typ, claims } = tokenFor('one');
    expect((await send({ typ, claims: { ...claims, ...changes } })).status).toBe(400);
    expect(await statusOf(browser, app)).toBe(200);
  });
});

test.each([
  ...[undefined, 'JWT', 'jwt', 'Application/JWT', 'logout+jwt', 'application/logout+jwt', 'LOGOUT+JWT'],
  ...['at+jwt', 'application/at+jwt', 'AT+JWT', 'APPLICATION/at+jwt'],
])('the typ %s is taken', async (typ) => {
  const browser = await signIn('one');
  expect((await send({ typ, claims: { ...common(), aud: op.clientId, sid: 'one' } })).status).toBe(200);
  expect(await statusOf(browser, app)).toBe(401);
});

test.each([
  ...[
    '',
    ' JWT',
    'JWT ',
    'secevent+jwt',
    'dpop+jwt',
    'id+jwt',
    'application/',
    'application/application/jwt',
  ],
  ...[null, 5, ['JWT'], { JWT: true }],
])('the typ %j is refused', async (typ) => {
  const answer = await send({ typ, claims: { ...common(), aud: op.clientId, sub: 'user-1' } });
  expect(answer.status).toBe(400);
  expect(app.events('logout_token.refused').at(-1)).toMatchObject({
    channel: 'back',
    reason: expect.stringMatching(/typ/),
  });
});

test.each([
  ['is taken at almost two minutes', -115, 200],
  ['is refused after two minutes, whatever the clock tolerance', -122, 400],
  ['is refused later', -155, 400],
  ['is taken from a clock that is a little ahead', 25, 200],
  ['is refused from one that is far ahead', 60, 400],
])('a token without exp %s', async (_how, age, status) => {
  const claims = { ...common(), aud: op.clientId, sub: 'nobody', iat: seconds() + age };
  expect((await send({ typ: 'JWT', claims })).status).toBe(status);
});

test('a token with sub and sid also ends the sessions of that sub that have no sid, and no other', async () => {
  const [named, none, another] = [await signIn('named'), await signIn(undefined), await signIn('another')];
  const claims = { ...common(), aud: op.clientId, sub: 'user-1', sid: 'named' };
  expect((await send({ typ: 'JWT', claims })).status).toBe(200);
  expect(await statusOf(named, app)).toBe(401);
  expect(await statusOf(none, app)).toBe(401);
  expect(await statusOf(another, app)).toBe(200);
});

test('a token that the store could not carry out may come again, once', async () => {
  const browser = await signIn('one');
  const token = { typ: 'JWT', claims: { ...common(), aud: op.clientId, sub: 'user-1', sid: 'one' } };
  fault = () => Promise.reject(new Error('the store does not answer'));
  expect((await send(token)).status).toBe(400);
  expect(await statusOf(browser, app)).toBe(200);
  expect((await send(token)).status).toBe(200);
  expect(await statusOf(browser, app)).toBe(401);
  expect((await send(token)).status).toBe(400);
});
