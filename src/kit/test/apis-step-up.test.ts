import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { asScript } from './helpers/rechecks.ts';
import { type SeveralApis, withApis } from './helpers/several-apis.ts';
import { challenged, type StubAnswer } from './helpers/stub-api.ts';

// 401 `insufficient_user_authentication` from an API (RFC 9470): a step-up for a person, the demand for a script.

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const apis = { notes: { scope: 'notes.read' }, plans: {} };
const demanding = (more: string) => challenged(`Bearer error="insufficient_user_authentication"${more}`);
const demand = (more: string) => demanding(more)();
const statusIn = ({ body }: { body: string }) => (JSON.parse(body) as { status: number }).status;

/** Signed in some minutes ago, and the API refuses tokens of sign-ins before now. */
async function signedIn({ open, call, notes }: SeveralApis, answer: StubAnswer, name = 'notes') {
  await open('/profile');
  await call(name);
  const old = new Set(notes.tokens());
  notes.now(({ token }) => (old.has(token) ? answer : {}));
  pass(300);
}

describe('a person who opens a page', () => {
  test.each([
    ['acr_values', ', acr_values="gold silver"', { acr_values: 'gold silver', max_age: null }],
    ['max_age', ', max_age="60"', { acr_values: null, max_age: '60', prompt: 'login' }],
    ['both', ', acr_values="gold", max_age=60', { acr_values: 'gold', max_age: '60', prompt: 'login' }],
    ['neither', '', { acr_values: null, max_age: '0', prompt: 'login' }],
  ])('is sent to a sign-in with %s, and comes back to the page, which works', (_what, more, asked) =>
    withApis({ apis }, async (at) => {
      await signedIn(at, demand(more));
      const page = await at.call('notes', '/a?b=1');
      expect([page.status, statusIn(page), page.url]).toEqual([
        ...[200, 200],
        at.app.url('/call/notes?path=%2Fa%3Fb%3D1'),
      ]);
      expect(at.op.calls.authorization).toBe(2);
      const { authorization } = at.op.latest;
      for (const [name, value] of Object.entries(asked)) expect(authorization?.get(name)).toBe(value);
      expect(at.app.events('session.ended').map(({ reason }) => reason)).not.toContain('account');
    }),
  );

  test('sees what the API says where the step-up has changed nothing: no circle', () =>
    withApis({ apis }, async (at) => {
      for (const more of [', max_age="0"', ', acr_values="gold"', '', ', max_age="0", acr_values="gold"']) {
        await signedIn(at, {});
        at.notes.now(() => demand(more));
        const before = at.op.calls.authorization;
        const page = await at.call('notes');
        expect([page.status, statusIn(page)], more).toEqual([200, 401]);
        expect(at.op.calls.authorization - before, more).toBe(1);
        expect(statusIn(await at.call('notes'))).toBe(401);
        expect(at.op.calls.authorization - before, more).toBe(1);
      }
      const line = at.app.lines.findLast(({ msg }) => /API refuses/.test(msg));
      expect(line).toMatchObject({ error: 'insufficient_user_authentication', name: 'notes' });
      expect(line?.hint).toContain(
        'compare what it demands with what the provider puts into acr and auth_time',
      );
    }));

  test('makes no circle either where no clock tolerance is set, or the provider says no auth_time', () =>
    withApis({ apis, env: { OIDC_CLOCK_TOLERANCE_SECONDS: '0' } }, async (at) => {
      for (const idToken of [{}, { auth_time: undefined }]) {
        await signedIn(at, {});
        at.notes.now(() => demand(', max_age="1"'));
        at.op.next({ idToken });
        const before = at.op.calls.authorization;
        expect(statusIn(await at.call('notes'))).toBe(401);
        pass(5);
        expect(statusIn(await at.call('notes'))).toBe(401);
        expect(at.op.calls.authorization - before).toBe(1);
      }
    }));

  test('is asked for another sign-in as soon as theirs is too old, whatever the clock tolerance', () =>
    withApis({ apis }, async (at) => {
      await at.open('/profile');
      pass(63);
      at.notes.now(() => (at.op.calls.authorization > 1 ? {} : demand(', max_age="60"')));
      expect(statusIn(await at.call('notes'))).toBe(200);
      expect(at.op.calls.authorization).toBe(2);
    }));

  test('is asked again only for what the sign-in is not: a fresh one is no stronger one', () =>
    withApis({ apis }, async (at) => {
      await at.open('/profile');
      at.notes.now(demanding(', acr_values="gold", max_age="3600"'));
      expect(statusIn(await at.call('notes'))).toBe(401);
      expect([at.op.calls.authorization, at.op.latest.authorization?.get('acr_values')]).toEqual([2, 'gold']);
      // Gold by now, and an hour is not over.
      pass(600);
      expect(statusIn(await at.call('notes'))).toBe(401);
      expect(at.op.calls.authorization).toBe(2);
    }));

  test('is asked for it with the sign-in’s own access token too', () =>
    withApis({ apis: { notes: {}, plans: {} } }, async (at) => {
      await signedIn(at, demand(', acr_values="gold"'));
      expect(statusIn(await at.call('notes'))).toBe(200);
      expect(at.op.latest.authorization?.get('acr_values')).toBe('gold');
    }));
});

test('a person who sent a form comes back to the page that holds it', () =>
  withApis({ apis }, async (at) => {
    await signedIn(at, demand(', acr_values="gold"'));
    const from = { headers: { Referer: at.app.url('/profile?tab=7') } };
    const page = await at.browser.post(at.app.url('/call/notes'), { text: 'a' }, from);
    expect([page.status, at.op.latest.authorization?.get('acr_values')]).toEqual([200, 'gold']);
    // A form never leads straight to another origin (R16).
    const [, next = ''] = /http-equiv="refresh" content="0; url=([^"]*)"/.exec(page.body) ?? [];
    const back = next ? await at.browser.get(next.replaceAll('&amp;', '&')) : page;
    expect([back.status, back.url]).toEqual([200, at.app.url('/profile?tab=7')]);
    expect(at.notes.calls.filter(({ method }) => method === 'POST')).toHaveLength(1);
  }));

test('a form that does not say which page holds it gets the 401 page, and nobody is sent off', () =>
  withApis({ apis }, async (at) => {
    await signedIn(at, demand(', acr_values="gold"'));
    const page = await at.browser.post(at.app.url('/call/notes'), { text: 'a' }, { follow: false });
    expect([page.status, page.location, at.op.calls.authorization]).toEqual([401, undefined, 1]);
  }));

test.each([
  ['acr_values', ', acr_values="gold silver"', { acr_values: 'gold silver' }],
  ['max_age', ', max_age="60"', { max_age: 60 }],
  ['both', ', max_age="60", acr_values="gold"', { acr_values: 'gold', max_age: 60 }],
  ['neither', '', {}],
])('a script gets the 401 with the demand, and is sent nowhere (%s)', (_what, more, said) =>
  withApis({ apis }, async (at) => {
    await signedIn(at, demand(more));
    const answer = await at.browser.get(at.app.url('/call/notes'), asScript);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      401,
      expect.stringMatching(/^application\/problem\+json/),
    ]);
    const { title, status, requestId, ...rest } = JSON.parse(answer.body);
    expect(rest).toEqual({ error: 'insufficient_user_authentication', ...said });
    expect([typeof title, status, typeof requestId]).toEqual(['string', 401, 'string']);
    expect(at.op.calls.authorization).toBe(1);
  }),
);

describe('an API that lies about what it wants', () => {
  test.each([
    ['an acr of 400 characters', `, acr_values="${'a'.repeat(400)}"`],
    ['an acr with a control character', ', acr_values="gold\u0001"'],
    ['an acr with quotes in it', ', acr_values="gold\\"silver"'],
    ['an acr with two spaces', ', acr_values="gold  silver"'],
    ['an empty acr', ', acr_values=""'],
    ['an acr that is a tenant (IdentityServer)', ', acr_values="tenant:evil idp:evil"'],
    ['max_age=1e9', ', max_age="1e9"'],
    ['a max_age of ten digits', ', max_age="1000000000"'],
    ['a negative max_age', ', max_age="-1"'],
    ['a max_age of half a second', ', max_age="0.5"'],
    ['a max_age that is a word', ', max_age="now"'],
  ])('by %s is taken to want a new sign-in, and nothing of it is sent on', (_what, more) =>
    withApis({ apis }, async (at) => {
      await signedIn(at, {});
      at.notes.now((_call, res) => {
        res.socket?.write(
          `HTTP/1.1 401 x\r\nWWW-Authenticate: Bearer error="insufficient_user_authentication"${more}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
          'latin1',
        );
        return undefined;
      });
      const page = await at.call('notes');
      // Node drops an answer whose header holds control characters.
      if (/control/.test(_what)) return void expect(page.status).toBe(503);
      expect([page.status, statusIn(page), at.op.calls.authorization]).toEqual([200, 401, 2]);
      const { authorization } = at.op.latest;
      expect([authorization?.get('acr_values'), authorization?.get('max_age')]).toEqual([null, '0']);
      expect(at.op.latest.authorization?.toString()).not.toContain('evil');
    }),
  );

  test('by a max_age of years is met already: the page sees the answer, and nobody is sent off', () =>
    withApis({ apis }, async (at) => {
      await signedIn(at, {});
      at.notes.now(demanding(', max_age="999999999"'));
      expect(statusIn(await at.call('notes'))).toBe(401);
      expect(at.op.calls.authorization).toBe(1);
    }));

  test.each([
    ['403', challenged('Bearer error="insufficient_user_authentication", acr_values="gold"', 403)],
    ['200', challenged('Bearer error="insufficient_user_authentication", acr_values="gold"', 200)],
    ['another scheme', challenged('Basic error="insufficient_user_authentication", acr_values="gold"')],
    ['a huge header', demanding(`, acr_values="gold", x="${'y'.repeat(3_000)}"`)],
    ['a broken header', challenged('Bearer error="insufficient_user_authentication, acr_values=gold')],
  ])('by %s starts nothing: it is an answer for the page', (_what, answer) =>
    withApis({ apis }, async (at) => {
      await signedIn(at, {});
      at.notes.now(answer);
      expect((await at.call('notes')).status).toBe(200);
      expect(at.op.calls.authorization).toBe(1);
    }),
  );
});

test('`insufficient_scope` goes on to the page, and the log says which scope to register', () =>
  withApis({ apis }, async (at) => {
    await at.open('/profile');
    at.notes.now(challenged('Bearer error="insufficient_scope", scope="notes.write notes.admin"', 403));
    expect(statusIn(await at.call('notes'))).toBe(403);
    const line = at.app.lines.find(({ msg }) => /API refuses/.test(msg));
    expect(line).toMatchObject({
      level: 'error',
      error: 'insufficient_scope',
      scope: 'notes.write notes.admin',
    });
    expect(line?.hint).toMatch(
      /requires the scope "notes\.write notes\.admin": .*`scope` of the API 'notes' in site\.ts/,
    );
    expect([at.op.calls.authorization, at.asked.length]).toEqual([1, 1]);
    const page = await at.browser.get(at.app.url('/call/notes'), asScript);
    expect(statusIn(page)).toBe(403);
  }));
