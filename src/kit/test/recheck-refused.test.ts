import { describe, expect, test } from 'vitest';
import { textOf } from './helpers/instances.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import { headingOf } from './helpers/pair.ts';
import { asScript, type Rechecked, withRecheck } from './helpers/rechecks.ts';

// A recheck that fails by what a person can bring about must not keep a role that was taken away (R13).

const refusal = (error: string): Lies => ({ token: { status: 400, json: { error } } });

/** What a person, or whoever holds their cookie, can make of each answer. */
const refusedBySignIns: [string, Lies][] = [
  ['the provider wants to see the person', refusal('interaction_required')],
  ['another 400', refusal('unsupported_grant_type')],
  ['an ID token that has expired', { idToken: { exp: 1 } }],
  ['an ID token that is too large', { idToken: { more: 'x'.repeat(140_000) } }],
  ['userinfo of another user', { userinfo: { json: { sub: 'user-2', roles: ['member'] } } }],
  ['userinfo that is too large', { userinfo: { json: { sub: 'user-1', more: 'x'.repeat(140_000) } } }],
  ['userinfo of megabytes', { userinfo: { json: { sub: 'user-1', more: 'x'.repeat(2_000_000) } } }],
  ['userinfo that refuses the token', { userinfo: { status: 401, json: { error: 'invalid_token' } } }],
  ['userinfo that is no JSON', { userinfo: { body: '<h1>hello</h1>' } }],
];

/** Nothing of these is about the person: they may last for hours. */
const forLater: [string, Lies][] = [
  [
    'a token endpoint that answers 503',
    { token: { status: 503, json: { error: 'temporarily_unavailable' } } },
  ],
  ['a token endpoint that hangs up', { token: { manner: 'hang-up' } }],
  ['a client that the provider refuses', { token: { status: 401, json: { error: 'invalid_client' } } }],
  ['userinfo that answers 500', { userinfo: { status: 500, body: 'x' } }],
  ['userinfo that answers 429', { userinfo: { status: 429, body: 'x' } }],
  ['userinfo that hangs up', { userinfo: { manner: 'hang-up' } }],
];

/** Has each recheck from now on get this answer. */
function always(at: Rechecked, { userinfo, ...refresh }: Lies) {
  if (userinfo) at.lies.userinfo = userinfo;
  return () => at.op.nextRefresh(refresh);
}

async function statuses({ browser, app }: Rechecked) {
  const page = await browser.get(app.url('/who'), { follow: false });
  const form = await browser.post(app.url('/typed'), { text: 'a long letter' });
  const script = await browser.get(app.url('/who'), asScript);
  return { page: page.status, form: form.status, script: script.status };
}

const profile = { keepsRefreshToken: true };

describe.each(refusedBySignIns)('%s', (_what, lies) => {
  test('lets a form and a script go on for a minute, and then asks for a sign-in until a recheck succeeds', () =>
    withRecheck({ profile }, async (at) => {
      const { browser, app, pass, reasons } = at;
      const again = always(at, lies);
      again();
      pass(11);
      const script = await browser.get(app.url('/who'), asScript);
      expect([script.status, JSON.parse(script.body).roles]).toEqual([200, ['admin', 'member']]);
      pass(1.1);
      again();
      expect(await statuses(at)).toEqual({ page: 302, form: 401, script: 401 });
      // Also while no attempt is due.
      expect(await statuses(at)).toEqual({ page: 302, form: 401, script: 401 });
      const form = await browser.post(app.url('/typed'), { text: 'a long letter' });
      expect([headingOf(form), textOf(form)]).toEqual([
        'Please sign in again',
        expect.stringContaining('a long letter'),
      ]);
      expect(reasons('session.ended')).toEqual([]);
    }));

  test('is cured by a sign-in, and the page is there', () =>
    withRecheck({ profile }, async (at) => {
      const { browser, app, op, pass } = at;
      const again = always(at, lies);
      again();
      pass(11);
      await browser.get(app.url('/who'), asScript);
      pass(1.1);
      again();
      await browser.get(app.url('/who'), asScript);
      op.honest();
      delete at.lies.userinfo;
      const page = await browser.get(app.url('/who?x=1'));
      expect([page.status, page.url]).toEqual([200, app.url('/who?x=1')]);
      expect(await statuses(at)).toEqual({ page: 200, form: 200, script: 200 });
    }));
});

test('an answer that is good again lets everything go on without a sign-in', () =>
  withRecheck({}, async (at) => {
    const { pass, lies, op } = at;
    lies.userinfo = { json: { sub: 'user-2' } };
    pass(11);
    expect((await statuses(at)).script).toBe(200);
    pass(1.1);
    expect((await statuses(at)).script).toBe(401);
    delete lies.userinfo;
    pass(1.1);
    expect(await statuses(at)).toEqual({ page: 200, form: 200, script: 200 });
    expect(op.calls.authorization).toBe(1);
    // The next one begins a new minute.
    lies.userinfo = { json: { sub: 'user-2' } };
    pass(11);
    expect((await statuses(at)).script).toBe(200);
  }));

test('a provider that is away in between does not begin the minute anew', () =>
  withRecheck({}, async (at) => {
    const { pass, lies } = at;
    lies.userinfo = { json: { sub: 'user-2' } };
    pass(11);
    expect((await statuses(at)).script).toBe(200);
    lies.userinfo = { status: 500, body: 'x' };
    pass(1.1);
    expect((await statuses(at)).script).toBe(401);
  }));

test('a signIn that fails does not hide what the provider answered, and alone asks for nothing', () =>
  withRecheck({ signIn: () => undefined }, async (at) => {
    const { pass, lies, hook } = at;
    hook.now(() => {
      throw new Error('the database is away');
    });
    for (const minutes of [11, 1.1, 1.1, 20]) {
      pass(minutes);
      expect(await statuses(at)).toEqual({ page: 200, form: 200, script: 200 });
    }
    lies.userinfo = { json: { sub: 'user-2' } };
    pass(1.1);
    expect((await statuses(at)).script).toBe(200);
    pass(1.1);
    expect((await statuses(at)).script).toBe(401);
  }));

test.each(forLater)('%s leaves the old values in use, however long it lasts', (_what, lies) =>
  withRecheck({ profile }, async (at) => {
    const again = always(at, lies);
    for (const minutes of [11, 1.1, 1.1, 20, 20, 20]) {
      at.pass(minutes);
      again();
      expect(await statuses(at)).toEqual({ page: 200, form: 200, script: 200 });
    }
  }),
);
