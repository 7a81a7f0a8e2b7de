import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { atLeast } from './helpers/app.ts';
import type { Reply } from './helpers/misbehaving-state.ts';
import { headingOf } from './helpers/pair.ts';
import { withApis } from './helpers/several-apis.ts';

// What the token endpoint's refusal of one API's access token means to the session, to the person and to the log (R13).

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const refused = (status: number, error?: string, description = 'provider-says'): Reply => ({
  status,
  json: error === undefined ? {} : { error, error_description: description },
});

const apis = { notes: { scope: 'notes.read' }, plans: { scope: 'plans.read' } };
const profile = { keepsRefreshToken: true };
const onlyNotes =
  (reply: Reply) =>
  ({ scope }: Record<string, string>) =>
    scope === 'notes.read' ? reply : undefined;

describe('what the provider refuses for one API only', () => {
  test.each([
    ['invalid_scope', refused(400, 'invalid_scope')],
    ['invalid_target', refused(400, 'invalid_target')],
    ['unauthorized_client', refused(400, 'unauthorized_client')],
    ['unauthorized_client with 403', refused(403, 'unauthorized_client')],
    ['invalid_grant, while the plain refresh works', refused(400, 'invalid_grant')],
  ])('by %s is a sign-in’s to cure, once; it ends nothing, and the other API works', (_error, reply) =>
    withApis({ apis, profile }, async ({ app, call, open, answers, asked, notes }) => {
      answers(onlyNotes(reply));
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
      expect(page.body).toContain('api=notes');
      expect(page.body).not.toContain('provider-says');
      expect((await call('plans')).status).toBe(200);
      expect((await open('/profile')).status).toBe(200);
      expect(app.events('session.ended')).toEqual([]);
      expect(notes.calls).toEqual([]);
      const [failed] = app.events('token.refresh_failed');
      expect(failed).toMatchObject({ reason: 'api_token_refused', api: 'notes' });
      expect(failed?.hint).toMatch(
        /provider-says.*`scope`, `resource` or `audience` of the API 'notes' in site\.ts.*this client/,
      );
      // The provider is left alone for a minute, and asked again after that.
      const before = asked.length;
      for (let times = 0; times < 3; times++) expect((await call('notes')).status).toBe(401);
      expect(asked.length).toBe(before);
      pass(61);
      answers(() => undefined);
      expect((await call('notes')).status).toBe(200);
    }),
  );
});

describe('a refresh token that is gone', () => {
  test('ends the session, with words, whichever API has asked', () =>
    withApis({ apis, profile }, async ({ app, call, open, answers, asked }) => {
      await open('/profile');
      answers(() => refused(400, 'invalid_grant', 'Session not active'));
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([401, 'Your session has ended']);
      expect(app.events('session.ended')).toMatchObject([{ reason: 'provider-session' }]);
      expect(asked).toHaveLength(2);
    }));

  test('is one of somebody else, by the new ID token: the session ends, and no API is called', () =>
    withApis({ apis, profile }, async ({ op, app, call, open, answers, notes }) => {
      await open('/profile');
      answers(() => 'honest');
      op.nextRefresh({ idToken: { sub: 'user-2' } });
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([401, 'Your session has ended']);
      expect(app.events('session.ended')).toHaveLength(1);
      expect(notes.calls).toEqual([]);
    }));
});

describe('a refusal that needs the person', () => {
  const cases: [string, Reply][] = [
    ['interaction_required', refused(400, 'interaction_required')],
    ['login_required', refused(400, 'login_required')],
    ['consent_required', refused(400, 'consent_required', 'AADSTS65001: provider-says')],
    ['another 400', refused(400, 'invalid_request')],
    ['a 400 without an error', refused(400)],
  ];
  test.each(cases)('(%s) leads to a new sign-in, and not in a circle', (_error, reply) =>
    withApis({ apis, profile }, async ({ app, browser, call, open, answers, asked, notes }) => {
      await open('/profile');
      pass(120);
      answers(onlyNotes(reply));
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
      expect((await call('notes')).status).toBe(401);
      expect(asked).toHaveLength(1);
      expect((await call('plans')).status).toBe(200);
      // Who has just signed in is not sent there again.
      const back = await browser.get(app.url('/auth/login?renew=1&api=notes&returnTo=/call/notes'));
      expect([back.status, headingOf(back)]).toEqual([503, "We can't use a service that this page needs"]);
      expect([notes.calls, app.events('session.ended')]).toEqual([[], []]);
    }),
  );

  test('(a new ID token that cannot be used) leads to a new sign-in, and the refresh token is not used twice', () =>
    withApis(
      { apis: { ...apis, notes: { resource: 'https://notes.example.com' } }, profile },
      async ({ op, call, open, answers, asked, app, notes }) => {
        await open('/profile');
        pass(120);
        answers(() => 'honest');
        op.nextRefresh({ sign: 'broken' });
        for (const name of ['notes', 'notes', 'plans']) {
          const page = await call(name);
          expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
        }
        expect([asked.length, notes.calls, app.events('session.ended')]).toEqual([1, [], []]);
        expect((await open('/profile')).status).toBe(200);
      },
    ));
});

describe('a refusal of this client', () => {
  test.each([
    ['401', refused(401)],
    ['401 unauthorized_client (Keycloak)', refused(401, 'unauthorized_client')],
    ['401 invalid_scope', refused(401, 'invalid_scope')],
    ['400 invalid_client', refused(400, 'invalid_client')],
    ['an empty 403', { status: 403, body: '' } as Reply],
  ])('(%s) is a 503 and a loud line, and ends nothing', (_how, reply) =>
    withApis({ apis, profile }, async ({ app, call, open, answers, record }) => {
      await open('/profile');
      answers(onlyNotes(reply));
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([503, "Sign-in isn't set up correctly"]);
      const loud = app.lines.filter(atLeast('error')).filter(({ msg }) => /client authentication/.test(msg));
      expect(loud).toHaveLength(1);
      expect((await record()).apis).toBeUndefined();
      expect([(await open('/profile')).status, app.events('session.ended')]).toEqual([200, []]);
    }),
  );
});

describe('"later"', () => {
  const later: [string, Reply][] = [
    ...[408, 425, 429, 500, 503].map((status): [string, Reply] => [
      String(status),
      { ...refused(status, 'invalid_scope'), headers: { 'retry-after': '17' } },
    ]),
  ];
  test.each(later)('(%s) ends nothing, keeps Retry-After, and is tried again', (_status, reply) =>
    withApis({ apis, profile }, async ({ app, call, open, answers, record }) => {
      await open('/profile');
      answers(onlyNotes(reply));
      const page = await call('notes');
      expect([page.status, page.headers.get('retry-after')]).toEqual([503, '17']);
      expect((await record()).apis).toBeUndefined();
      answers(() => undefined);
      expect((await call('notes')).status).toBe(200);
      expect(app.events('session.ended')).toEqual([]);
    }),
  );

  test('(a network fault) ends nothing', () =>
    withApis({ apis, profile }, async ({ op, app, call, open }) => {
      await open('/profile');
      op.down();
      expect((await call('notes')).status).toBe(503);
      op.up();
      expect((await call('notes')).status).toBe(200);
      expect(app.events('session.ended')).toEqual([]);
    }));
});

test.each([
  ['later', refused(503)],
  ['for this API only', refused(400, 'invalid_scope')],
  ['for lack of consent', refused(400, 'consent_required')],
  ['of this client', refused(401)],
])(
  'a token of an API that is still valid is used when its refresh is refused (%s), without asking each time',
  (_why, reply) =>
    withApis({ apis, profile }, async ({ call, answers, asked, app }) => {
      await call('notes');
      pass(3_590);
      answers(onlyNotes(reply));
      for (let times = 0; times < 3; times++) expect((await call('notes')).status).toBe(200);
      expect(asked.filter(({ scope }) => scope === 'notes.read')).toHaveLength(2);
      expect(app.events('session.ended')).toEqual([]);
    }),
);
