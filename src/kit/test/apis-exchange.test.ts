import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { accessTokenType, exchanged, exchanging, tokenExchange } from './helpers/exchanged.ts';
import type { Reply } from './helpers/misbehaving-state.ts';
import { headingOf } from './helpers/pair.ts';
import { withApis } from './helpers/several-apis.ts';

// An API whose access token comes by token exchange (RFC 8693), for that of the sign-in.

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);

const apis = {
  notes: { exchange: true, audience: 'notes', scope: 'notes.read' },
  plans: { scope: 'plans.read' },
};
const isExchange = ({ grant_type }: Record<string, string>) => grant_type === tokenExchange;

test('is asked for with the sign-in’s access token, and of the answer only the access token is kept', () =>
  withApis({ apis }, async ({ call, answers, asked, notes, record, open }) => {
    await open('/profile');
    const before = await record();
    answers(
      exchanging({
        refresh_token: 'a-refresh-token-of-the-exchange',
        scope: 'everything',
        id_token: undefined,
      }),
    );
    expect((await call('notes')).status).toBe(200);
    expect(asked).toEqual([
      {
        ...{
          grant_type: tokenExchange,
          subject_token: before.access_token,
          subject_token_type: accessTokenType,
        },
        ...{ requested_token_type: accessTokenType, audience: 'notes', scope: 'notes.read' },
      },
    ]);
    expect(notes.tokens()).toEqual(['exchanged-token-number-1']);
    const { apis: kept, ...rest } = await record();
    expect(rest).toEqual(before);
    expect(Object.keys(kept?.notes ?? {}).sort()).toEqual(['asked', 'token']);
    expect(Object.keys(kept?.notes?.token ?? {}).sort()).toEqual([
      'access_token',
      'expires_at',
      'obtained_at',
    ]);
    expect(JSON.stringify(kept)).not.toContain('a-refresh-token-of-the-exchange');
    // Kept by subject token: not asked for again.
    await call('notes');
    expect(asked).toHaveLength(1);
  }));

test('is asked for again with a new subject token, and not before', () =>
  withApis({ apis }, async ({ call, answers, asked, notes, open, record }) => {
    answers(exchanging({ expires_in: undefined }));
    await call('notes');
    pass(3_560);
    await call('notes');
    expect(asked).toHaveLength(1);
    pass(20);
    const fresh = (await open('/token')).body;
    await call('notes');
    expect(asked.map(({ grant_type }) => grant_type)).toEqual([
      tokenExchange,
      'refresh_token',
      tokenExchange,
    ]);
    expect(asked.at(-1)?.subject_token).toBe(fresh);
    expect(notes.tokens()).toEqual(['exchanged-token-number-1', 'exchanged-token-number-2']);
    expect((await record()).access_token).toBe(fresh);
  }));

test('has its subject token refreshed before, where that is about to end', () =>
  withApis({ apis }, async ({ call, answers, asked, open, record }) => {
    await open('/profile');
    const before = await record();
    answers(exchanging());
    pass(3_580);
    expect((await call('notes')).status).toBe(200);
    const after = await record();
    expect(after.access_token).not.toBe(before.access_token);
    expect(after.refresh_token).not.toBe(before.refresh_token);
    expect(asked).toMatchObject([{ grant_type: 'refresh_token' }, { subject_token: after.access_token }]);
  }));

test('ten requests at once make one exchange', () =>
  withApis({ apis }, async ({ call, answers, asked, open }) => {
    await open('/profile');
    answers(exchanging());
    const pages = await Promise.all(Array.from({ length: 10 }, () => call('notes')));
    expect([pages.map(({ status }) => status), asked.length]).toEqual([Array(10).fill(200), 1]);
  }));

describe('is refused', () => {
  test.each([
    ['N_A, which says that it is no access token', exchanged({ token_type: 'N_A' }), /N_A/],
    ['n_a in small letters', exchanged({ token_type: 'n_a' }), /N_A/],
    [
      'another issued token type',
      exchanged({ issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }),
      /issued_token_type urn:ietf:params:oauth:token-type:refresh_token/,
    ],
    [
      'an ID token',
      exchanged({ issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
      /id_token/,
    ],
    [
      'a JWT of no said use',
      exchanged({ issued_token_type: 'urn:ietf:params:oauth:token-type:jwt' }),
      /:jwt/,
    ],
    ['no issued token type', exchanged({ issued_token_type: undefined }), /issued_token_type none/],
    ['a list of types', exchanged({ issued_token_type: [accessTokenType] }), /issued_token_type/],
    ['one of 16,001 characters', exchanged({ access_token: 'x'.repeat(16_001) }), /more than 16000/],
    ...['invalid_grant', 'invalid_request', 'unsupported_grant_type', 'invalid_target', 'access_denied'].map(
      (error): [string, Reply, RegExp] => [error, { status: 400, json: { error } }, new RegExp(error)],
    ),
  ])(
    'where the provider answers with %s: a sign-in once, nothing ends, and it is left alone for a minute',
    (_what, reply, hint) =>
      withApis({ apis }, async ({ app, browser, call, answers, asked, notes, open }) => {
        await open('/profile');
        answers((what) => (isExchange(what) ? reply : undefined));
        const page = await call('notes');
        expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
        expect((await call('notes')).status).toBe(401);
        expect(asked).toHaveLength(1);
        expect(app.events('token.refresh_failed')).toMatchObject([
          { api: 'notes', hint: expect.stringMatching(hint) },
        ]);
        const back = await browser.get(app.url('/auth/login?renew=1&api=notes&returnTo=/call/notes'));
        expect([back.status, headingOf(back)]).toEqual([503, "We can't use a service that this page needs"]);
        expect([
          notes.calls,
          app.events('session.ended').filter(({ reason }) => reason !== 'signed-in-again'),
        ]).toEqual([[], []]);
        expect((await call('plans')).status).toBe(200);
        pass(61);
        answers((what) => (isExchange(what) ? exchanged() : undefined));
        expect((await call('notes')).status).toBe(200);
      }),
  );

  test.each([
    ['401', { status: 401, json: {} }, "Sign-in isn't set up correctly"],
    ['503', { status: 503, json: {} }, "We can't reach"],
    ['no access token', exchanged({ access_token: undefined }), "We can't reach"],
  ] as [string, Reply, string][])('by %s for now: 503, and nothing ends', (_what, reply, heading) =>
    withApis({ apis }, async ({ app, call, answers, notes, open }) => {
      await open('/profile');
      answers((what) => (isExchange(what) ? reply : undefined));
      const page = await call('notes');
      expect([page.status, headingOf(page)]).toEqual([503, expect.stringContaining(heading)]);
      answers((what) => (isExchange(what) ? exchanged() : undefined));
      expect((await call('notes')).status).toBe(200);
      expect([notes.calls.length, app.events('session.ended')]).toEqual([1, []]);
    }),
  );

  test('where the subject token has run out and nothing brings another one: a sign-in', () =>
    withApis({ apis }, async ({ op, call, open, asked }) => {
      op.next({ token: { json: { refresh_token: undefined } } });
      await open('/profile');
      pass(3_700);
      expect(headingOf(await call('notes'))).toBe('Please sign in again');
      expect(asked).toEqual([]);
    }));

  test('and a refresh token that was used up for its subject token is not used again', () =>
    withApis({ apis }, async ({ op, call, open, asked, answers, record }) => {
      await open('/profile');
      pass(3_580);
      answers((what) => (isExchange(what) ? exchanged() : undefined));
      op.nextRefresh({ sign: 'broken' });
      // The old subject token still serves.
      expect((await call('notes')).status).toBe(200);
      expect(await record()).toMatchObject({ spent: true });
      expect((await record()).refresh_token).toBeUndefined();
      await call('plans');
      expect(asked.map(({ grant_type }) => grant_type)).toEqual(['refresh_token', tokenExchange]);
    }));
});
