import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { exchanging } from './helpers/exchanged.ts';
import { headingOf } from './helpers/pair.ts';
import { withApis } from './helpers/several-apis.ts';
import { challenged } from './helpers/stub-api.ts';

// 401 `invalid_token` from an API that has an access token of its own: refreshed once, for that API only (R13).

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const apis = { notes: { scope: 'notes.read' }, plans: { scope: 'plans.read' } };
const invalid = challenged('Bearer error="invalid_token", error_description="The audience \'x\' is invalid"');
const statusIn = ({ body }: { body: string }) => (JSON.parse(body) as { status: number }).status;

test('a refused token is refreshed once for that API, the call made again, and the other API’s token stays', () =>
  withApis({ apis }, async ({ call, asked, notes, plans, open }) => {
    await call('notes');
    await call('plans');
    const sign = (await open('/token')).body;
    pass(600);
    const [old] = notes.tokens();
    notes.now(({ token }) => (token === old ? invalid() : {}));
    expect(statusIn(await call('notes'))).toBe(200);
    expect(asked.slice(2)).toEqual([{ grant_type: 'refresh_token', scope: 'notes.read' }]);
    expect(notes.calls.map(({ token }) => token)).toEqual([old, old, notes.tokens()[1]]);
    await call('notes');
    await call('plans');
    expect([asked.length, plans.tokens().length, (await open('/token')).body]).toEqual([3, 1, sign]);
  }));

test('ten requests at once with a refused token make one refresh', () =>
  withApis({ apis }, async ({ call, asked, notes }) => {
    await call('notes');
    pass(600);
    const [old] = notes.tokens();
    notes.now(({ token }) => (token === old ? invalid() : {}));
    const pages = await Promise.all(Array.from({ length: 10 }, () => call('notes')));
    expect([pages.map(statusIn), asked.length]).toEqual([Array(10).fill(200), 2]);
  }));

test('an API that refuses every token makes no circle, costs one refresh a minute, and the log says what to do', () =>
  withApis({ apis }, async ({ app, op, call, asked, notes, plans }) => {
    await call('plans');
    notes.now(invalid);
    for (let times = 0; times < 5; times++) expect(statusIn(await call('notes'))).toBe(401);
    expect([asked.length, notes.tokens().length]).toEqual([3, 2]);
    pass(61);
    for (let times = 0; times < 5; times++) expect(statusIn(await call('notes'))).toBe(401);
    expect([asked.length, notes.tokens().length, op.calls.authorization]).toEqual([4, 3, 1]);
    expect(plans.tokens()).toHaveLength(1);
    expect(app.events('session.ended')).toEqual([]);
    const line = app.lines.find(({ msg }) => /API refuses/.test(msg));
    expect(line).toMatchObject({ level: 'error', name: 'notes', api: notes.url, error: 'invalid_token' });
    expect(line?.hint).toMatch(/iss, aud and exp .* `scope` of the API 'notes' in site\.ts/);
  }));

test('a token that came by exchange is exchanged anew, and the sign-in’s own is left alone', () =>
  withApis(
    { apis: { ...apis, notes: { exchange: true } } },
    async ({ call, asked, answers, notes, record }) => {
      answers(exchanging({ expires_in: undefined }));
      await call('notes');
      const before = await record();
      pass(600);
      notes.now(({ token }) => (token.endsWith('1') ? invalid() : {}));
      expect(statusIn(await call('notes'))).toBe(200);
      expect(asked).toHaveLength(2);
      expect((await record()).access_token).toBe(before.access_token);
    },
  ));

test('a token of an older subject token that the API refuses has a newer one by then: no sign-in', () =>
  withApis(
    { apis: { ...apis, notes: { exchange: true } } },
    async ({ call, asked, answers, notes, open }) => {
      answers(exchanging({ expires_in: undefined }));
      await call('notes');
      pass(3_580);
      let held: (() => void) | undefined;
      const reached = Promise.withResolvers<void>();
      notes.now(({ token }, res) => {
        if (!token.endsWith('1')) return {};
        held = () => res.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('{}');
        reached.resolve();
        return undefined;
      });
      // The call is on its way with the old one while the sign-in's own token is refreshed.
      const calling = call('notes');
      await reached.promise;
      await open('/token');
      held?.();
      expect(statusIn(await calling)).toBe(200);
      expect(asked.map(({ grant_type = '' }) => grant_type.split(':').at(-1))).toEqual([
        'token-exchange',
        'refresh_token',
        'token-exchange',
      ]);
    },
  ));

describe('a refused token that the provider does not replace', () => {
  test('leads to one sign-in that asks for this API, and then to a page that says so', () =>
    withApis(
      { apis, profile: { keepsRefreshToken: true } },
      async ({ app, browser, call, asked, answers, notes, op }) => {
        await call('notes');
        pass(600);
        notes.now(invalid);
        const invalidScope = { status: 400, json: { error: 'invalid_scope' } };
        answers(({ scope }) => (scope === 'notes.read' ? invalidScope : undefined));
        for (let times = 0; times < 3; times++) {
          const page = await call('notes');
          expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
          expect(page.body).toContain('&amp;api=notes');
        }
        expect(asked).toHaveLength(2);
        const back = await browser.get(app.url('/auth/login?renew=1&api=notes&returnTo=/call/notes'));
        expect([back.status, headingOf(back)]).toEqual([503, "We can't use a service that this page needs"]);
        expect(op.calls.authorization).toBe(2);
        pass(61);
        expect((await call('notes')).status).toBe(503);
        // Registered by now: no sign-in is needed.
        pass(61);
        notes.now(() => ({}));
        answers(() => undefined);
        expect(statusIn(await call('notes'))).toBe(200);
      },
    ));

  test('is asked about again after a minute, not only in a new session', () =>
    withApis({ apis, profile: { keepsRefreshToken: true } }, async ({ call, answers, notes }) => {
      answers(({ scope }) =>
        scope ? { json: { access_token: 'endless-token-one', token_type: 'Bearer' } } : undefined,
      );
      await call('notes');
      pass(600);
      notes.now(({ token }) => (token === 'endless-token-one' ? invalid() : {}));
      answers(({ scope }) => (scope ? { status: 400, json: { error: 'invalid_target' } } : undefined));
      expect((await call('notes')).status).toBe(401);
      answers(() => undefined);
      expect((await call('notes')).status).toBe(401);
      pass(61);
      expect(statusIn(await call('notes'))).toBe(200);
    }));
});

test('a form that an API refused for its token is sent again with the new one, body and all', () =>
  withApis({ apis }, async ({ app, browser, call, notes }) => {
    await call('notes');
    pass(600);
    const [old] = notes.tokens();
    notes.now(({ token }) => (token === old ? invalid() : {}));
    const page = await browser.post(app.url('/call/notes'), { text: 'a note' });
    expect([page.status, statusIn(page)]).toEqual([200, 200]);
    expect(notes.calls.slice(1).map(({ method, body }) => [method, body])).toEqual(
      Array(2).fill(['POST', 'a note']),
    );
  }));
