import { describe, expect, test } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import type { Sessions } from '../store/index.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { copyOf, textOf } from './helpers/instances.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import { headingOf } from './helpers/pair.ts';
import { asScript, type Rechecked, withRecheck } from './helpers/rechecks.ts';

// What the provider says at a recheck, and what follows (R13).

const refusal = (status: number, error: string, error_description?: string): Lies => ({
  token: { status, json: { error, error_description } },
});

describe('a provider that refuses to refresh', () => {
  test.each([
    ['User disabled', 'account', /switched off|closed|account/i],
    [undefined, 'account', /./],
    ['Session not active', 'provider-session', /sign-in at/],
  ])('with invalid_grant (%s) ends the session, and each tab shows why', (words, reason, says) =>
    withRecheck({ signIn: () => undefined }, async ({ op, pass, open, browser, app, reasons, hook }) => {
      const other = copyOf(browser);
      op.nextRefresh(refusal(400, 'invalid_grant', words));
      pass(11);
      const page = await open('/who');
      expect(page.status).toBe(401);
      expect(textOf(page)).toMatch(says);
      expect(browser.cookie('session')).toBeUndefined();
      expect(reasons('session.ended')).toEqual([reason]);
      expect(reasons('token.refresh_failed')).toEqual(['invalid_grant']);
      // Nobody is asked who may come in any more.
      expect(hook.asked).toHaveLength(1);
      const follow = (url: string) => url.startsWith(app.origin);
      const told = await other.get(app.url('/who'), { follow });
      expect([new URL(told.url).pathname, headingOf(told)]).toEqual([
        '/signed-out',
        'Your session has ended',
      ]);
      expect(textOf(told)).toMatch(says);
    }),
  );

  test('so that a session ends under a form loses nothing that was typed', () =>
    withRecheck({}, async ({ op, pass, browser, app, reasons }) => {
      op.nextRefresh(refusal(400, 'invalid_grant'));
      pass(11);
      const page = await browser.post(app.url('/typed'), { text: 'a long letter' });
      expect([page.status, textOf(page)]).toEqual([401, expect.stringContaining('a long letter')]);
      expect(textOf(page)).toContain("didn't renew your sign-in, so we signed you out.");
      expect(reasons('session.ended')).toEqual(['account']);
    }));

  test.each<[string, Lies]>([
    ['answers 503', refusal(503, 'temporarily_unavailable')],
    ['answers 429', { token: { status: 429, headers: { 'retry-after': '7' }, body: 'slow down' } }],
    ['hangs up', { token: { manner: 'hang-up' } }],
    ['does not know this app', refusal(401, 'invalid_client')],
    ['answers with a page', { token: { status: 502, body: '<h1>Bad gateway</h1>' } }],
  ])('that %s ends nothing: the old values are used, and a minute later it is asked again', (_what, lies) =>
    withRecheck(
      { profile: { keepsRefreshToken: true } },
      async ({ op, profile, pass, who, counts, reasons }) => {
        profile.idToken.roles = ['member'];
        op.nextRefresh(lies);
        pass(11);
        expect((await who()).roles).toEqual(['admin', 'member']);
        const { token } = counts();
        pass(0.9);
        expect((await who()).roles).toEqual(['admin', 'member']);
        expect(counts().token).toBe(token);
        pass(0.2);
        expect((await who()).roles).toEqual(['member']);
        expect(counts().token).toBe(token + 1);
        expect(reasons('session.ended')).toEqual([]);
        expect(reasons('token.refresh_failed')).toHaveLength(1);
      },
    ),
  );

  test('while it is away changes nothing, but who is refused by signIn is out all the same', () =>
    withRecheck({ signIn: () => ({ member: 1 }) }, async ({ op, pass, who, hook, open, reasons }) => {
      op.down();
      hook.now(() => ({ member: 2 }));
      pass(11);
      // signIn was asked, with the claims that were known.
      expect((await who()).member).toBe(2);
      expect(hook.asked.at(-1)).toMatchObject({
        claims: { name: 'Ada Example' },
        roles: ['admin', 'member'],
      });
      hook.now(() => {
        throw refuse('Out.');
      });
      pass(2);
      expect(textOf(await open('/who'))).toContain('Out.');
      expect(reasons('session.ended')).toEqual(['not_admitted']);
    }));
});

describe('a refusal that only a new sign-in cures', () => {
  const cases: [string, Lies][] = [
    ['interaction_required', refusal(400, 'interaction_required')],
    ['another 400', refusal(400, 'unsupported_grant_type')],
    ['a new ID token that has expired', { idToken: { exp: 1 } }],
    ['a new ID token for somebody else’s app', { idToken: { aud: 'another-app' } }],
  ];

  test.each(cases)(
    '(%s) sends a person who opens a page to sign in, and they come back to it',
    (_what, lies) =>
      withRecheck({}, async ({ op, pass, browser, app, reasons }) => {
        op.nextRefresh(lies);
        pass(11);
        const before = browser.cookie('session');
        const page = await browser.get(app.url('/who?x=1'));
        expect([page.status, page.url]).toEqual([200, app.url('/who?x=1')]);
        expect(op.calls.authorization).toBe(2);
        expect(browser.cookie('session')).not.toBe(before);
        expect(reasons('session.ended')).toEqual([]);
      }),
  );

  test.each(cases)(
    '(%s) lets a form and a script go on, ends nothing, and asks once a minute',
    (_what, lies) =>
      withRecheck({}, async ({ op, pass, browser, app, counts, reasons }) => {
        op.nextRefresh(lies);
        pass(11);
        const form = await browser.post(app.url('/who'), { a: 'b' });
        expect([form.status, JSON.parse(form.body).roles]).toEqual([200, ['admin', 'member']]);
        expect((await browser.get(app.url('/who'), asScript)).status).toBe(200);
        // A page in the same minute is not sent off either.
        const page = await browser.get(app.url('/who'), { follow: false });
        expect([page.status, counts().token, op.calls.authorization]).toEqual([200, 2, 1]);
        expect(reasons('session.ended')).toEqual([]);
      }),
  );

  test('is not forgotten with the refresh token that was used up: the next page is sent to sign in', () =>
    withRecheck({}, async ({ op, pass, browser, app, counts }) => {
      op.nextRefresh({ idToken: { exp: 1 } });
      pass(11);
      expect((await browser.get(app.url('/who'), asScript)).status).toBe(200);
      pass(2);
      const { token } = counts();
      const sent = await browser.get(app.url('/who'), { follow: false });
      // The used one is not sent again: the provider would take that for theft.
      expect([sent.status, counts().token]).toEqual([302, token]);
      expect(sent.location).toMatch(`${op.origin}/authorize`);
    }));

  test('goes on being asked about by signIn', () =>
    withRecheck({ signIn: () => undefined }, async ({ op, pass, hook, open, reasons }) => {
      hook.now(() => {
        throw refuse();
      });
      op.nextRefresh(refusal(400, 'login_required'));
      pass(11);
      expect((await open('/who')).status).toBe(403);
      expect(reasons('session.ended')).toEqual(['not_admitted']);
    }));
});

test.each([
  ['another user', { sub: 'user-2' }],
  ['another issuer', { iss: 'https://other.example.com' }],
])('a new ID token of %s ends the session', (_whose, idToken) =>
  withRecheck({ signIn: () => undefined }, async ({ op, pass, open, reasons, hook }) => {
    op.nextRefresh({ idToken });
    pass(11);
    expect((await open('/who')).status).toBe(401);
    expect(reasons('session.ended')).toEqual(['account']);
    expect(hook.asked).toHaveLength(1);
  }),
);

describe('a refreshed ID token', () => {
  /** IdentityServer4 says nothing of the user in it: claims come from userinfo, or from nowhere. */
  const bare = {
    name: undefined,
    roles: undefined,
    sid: undefined,
    acr: undefined,
    amr: ['pwd'],
    idp: 'local',
  };

  test('with protocol claims only takes nothing away, and keeps the sid', () =>
    withRecheck({ env: { OIDC_USERINFO: 'false' } }, async ({ op, pass, who, app }) => {
      op.nextRefresh({ idToken: { ...bare, nbf: 1 } });
      const before = await who();
      pass(11);
      expect(await who()).toEqual(before);
      expect(before).toMatchObject({
        sid: 'sid-1',
        roles: ['admin', 'member'],
        claims: { name: 'Ada Example' },
      });
      expect(app.events('claims.changed')).toEqual([]);
    }));

  test('with protocol claims only leaves what userinfo says to userinfo', () =>
    withRecheck(
      { profile: { idToken: bare, userinfo: { name: 'Ada', roles: ['admin'], city: 'Bern' } } },
      async (at) => {
        const { profile, pass, who } = at;
        expect(await who()).toMatchObject({ roles: ['admin'], claims: { city: 'Bern' } });
        profile.userinfo = { name: 'Ada', roles: ['member'] };
        pass(11);
        const { roles, claims } = await who();
        expect([roles, claims.city, claims.name]).toEqual([['member'], undefined, 'Ada']);
        // Whoever says nothing at all takes nothing away.
        profile.userinfo = {};
        pass(11);
        expect((await who()).roles).toEqual(['member']);
        // Left out by who speaks of the user: gone.
        profile.userinfo = { name: 'Ada' };
        pass(11);
        expect((await who()).roles).toEqual([]);
      },
    ));

  test('that speaks of the user and leaves the roles out takes them', () =>
    withRecheck({}, async ({ profile, pass, who, open }) => {
      profile.idToken = { name: 'Ada Example' };
      pass(11);
      expect(await who()).toMatchObject({ roles: [], claims: { name: 'Ada Example' } });
      expect((await open('/admin-only')).status).toBe(403);
    }));

  test('counts more than userinfo where both speak', () =>
    withRecheck(
      { profile: { userinfo: { roles: ['root'], name: 'Userinfo' } } },
      async ({ profile, pass, who }) => {
        expect((await who()).roles).toEqual(['admin', 'member']);
        profile.userinfo = { roles: ['root', 'owner'], name: 'Userinfo' };
        pass(11);
        expect(await who()).toMatchObject({ roles: ['admin', 'member'], claims: { name: 'Ada Example' } });
      },
    ));

  test('that does not come at all leaves the one of the sign-in', () =>
    withRecheck({}, async ({ op, pass, who, counts }) => {
      op.nextRefresh({ token: { json: { id_token: undefined } } });
      pass(11);
      expect((await who()).roles).toEqual(['admin', 'member']);
      expect(counts().token).toBe(2);
    }));

  test('makes the session neither fresher nor stronger, whatever it and userinfo say', () =>
    withRecheck({ env: { OIDC_ACR_VALUES: 'weak' } }, async ({ op, profile, pass, who, browser, app }) => {
      const before = await who();
      expect(before.acr).toBe('weak');
      pass(11);
      const now = Math.floor(Date.now() / 1000);
      profile.userinfo = { name: 'Ada', acr: 'strong', auth_time: now, sid: 'sid-9', amr: ['mfa'] };
      op.nextRefresh({ idToken: { acr: 'strong', auth_time: now, sid: 'sid-9', amr: ['mfa'], name: 'New' } });
      const after = await who();
      expect(after.claims.name).toBe('New');
      const ofTheSignIn = ({ acr, authTime, sid, claims }: typeof after) => [acr, authTime, sid, claims.amr];
      expect(ofTheSignIn(after)).toEqual(ofTheSignIn(before));
      const step = await browser.get(app.url('/fresh'), { follow: false });
      expect([step.status, new URL(step.location ?? '').pathname]).toEqual([302, '/authorize']);
    }));

  test('with more claims than may be kept changes nothing, ends nothing, and is logged', () =>
    withRecheck({}, async ({ op, profile, pass, who, app, reasons }) => {
      profile.userinfo = { roles: ['root'], big: 'x'.repeat(70_000) };
      op.nextRefresh({ idToken: { roles: ['root'], more: 'x'.repeat(70_000) } });
      pass(11);
      const { roles, claims } = await who();
      expect([roles, claims.big, claims.more]).toEqual([['admin', 'member'], undefined, undefined]);
      expect(reasons('session.ended')).toEqual([]);
      expect(app.lines.some(({ msg }) => /a recheck failed/.test(msg))).toBe(true);
    }));
});

describe('userinfo at a recheck', () => {
  test.each<[string, Lies['userinfo'], string]>([
    ['of another user', { json: { sub: 'user-2', name: 'Bob', roles: ['root'] } }, 'userinfo_sub_mismatch'],
    ['that is refused', { status: 401, json: { error: 'invalid_token' } }, 'userinfo'],
    ['that fails', { status: 500, body: 'x' }, 'userinfo'],
    ['that hangs up', { manner: 'hang-up' }, 'provider_unreachable'],
    ['that is no JSON', { body: '<h1>hello</h1>' }, ''],
  ])('%s replaces nothing of what it said, while the ID token counts', (_what, lie, reason) => {
    const profile = { idToken: { name: 'Ada' }, userinfo: { roles: ['admin'], city: 'Bern' } };
    return withRecheck({ profile }, async (at) => {
      const { lies, pass, who, app, reasons, counts } = at;
      const before = await who();
      Object.assign(lies, { userinfo: lie });
      at.profile.idToken = { name: 'Ada Married' };
      pass(11);
      const after = await who();
      expect([after.roles, after.claims.city]).toEqual([before.roles, 'Bern']);
      expect(after.claims.name).toBe('Ada Married');
      expect(reasons('session.ended')).toEqual([]);
      const lines = app.lines.filter(({ msg }) => /a recheck failed/.test(msg));
      expect(lines).toMatchObject([{ reason: expect.stringContaining(reason) }]);
      // Asked again a minute later.
      const { userinfo } = counts();
      delete lies.userinfo;
      at.profile.userinfo = { roles: ['member'] };
      pass(1.1);
      expect((await who()).roles).toEqual(['member']);
      expect(counts().userinfo).toBeGreaterThan(userinfo);
    });
  });

  test('is not asked where OIDC_USERINFO is false', () =>
    withRecheck({ env: { OIDC_USERINFO: 'false' } }, async ({ pass, who, counts }) => {
      pass(11);
      await who();
      expect(counts()).toMatchObject({ token: 2, userinfo: 0 });
    }));
});

test('the scopes are those that the provider grants at the recheck', () =>
  withRecheck({}, async ({ op, pass, who }) => {
    const { scopes } = await who();
    expect(scopes).toContain('profile');
    op.nextRefresh({ token: { json: { scope: 'openid' } } });
    pass(11);
    expect((await who()).scopes).toEqual(['openid']);
    // An answer that names none grants as before.
    op.nextRefresh({ token: { json: { scope: undefined } } });
    pass(11);
    expect((await who()).scopes).toEqual(['openid']);
  }));

test('a token that was got for an API in between changes neither claims, roles nor scopes, and moves no recheck', () =>
  withRecheck({ lies: { token: { json: { expires_in: 120 } } } }, async (at) => {
    const { op, profile, pass, who, counts, open } = at;
    const before = await who();
    profile.idToken = { name: 'Changed', roles: ['root'] };
    op.nextRefresh({ token: { json: { scope: 'openid extra' } } });
    pass(9);
    await open('/api-data');
    expect(counts().token).toBe(2);
    expect(await who()).toEqual(before);
    pass(1.1);
    expect(await who()).toMatchObject({ roles: ['root'], claims: { name: 'Changed' } });
    expect(counts().token).toBe(3);
  }));

describe('without a refresh token', () => {
  const lies: Lies = { token: { json: { refresh_token: undefined } } };

  test('only signIn is asked', () =>
    withRecheck({ lies, signIn: () => ({ member: 1 }) }, async ({ pass, who, counts, hook }) => {
      const before = counts();
      hook.now(() => ({ member: 2 }));
      pass(11);
      expect((await who()).member).toBe(2);
      expect(counts()).toEqual({ ...before, signIn: before.signIn + 1 });
      pass(11);
      await who();
      expect(counts().signIn).toBe(before.signIn + 2);
    }));

  test('nobody is asked where there is no signIn either, nothing fails, and the store hears of it once', () => {
    let commands = 0;
    const wrap = (sessions: Sessions): Sessions => ({
      ...sessions,
      updateUser: (id, change) => {
        commands++;
        return sessions.updateUser(id, change);
      },
    });
    return withRecheck({ lies, wrap }, async ({ pass, who, counts, app, op }) => {
      const before = counts();
      for (let times = 0; times < 7; times++) {
        pass(11);
        await who();
        expect(commands).toBe(2);
      }
      expect(counts()).toEqual(before);
      expect(op.calls.authorization).toBe(1);
      expect(app.events('session.recheck_failed')).toEqual([]);
    });
  });

  test('signIn is asked about sessions that are older than it is: a deploy brought it', () => {
    let store: Sessions | undefined;
    const wrap = (sessions: Sessions): Sessions => {
      store = sessions;
      return sessions;
    };
    const sessionOf = async (iss: string) => (await store?.list({ iss, sub: 'user-1' }))?.[0];
    let before: unknown;
    return withRecheck({ lies, wrap }, async ({ pass, who, op }) => {
      pass(11);
      await who();
      before = (await sessionOf(op.issuer))?.data.user?.recheck;
      expect(before).toMatchObject({ idle: true });
    }).then(() =>
      withRecheck({ lies, wrap, signIn: () => ({ member: 1 }) }, async ({ pass, who, op, hook }) => {
        pass(11);
        const { id = '' } = (await sessionOf(op.issuer)) ?? {};
        await store?.updateUser(id, (user) => ({ ...user, recheck: before as typeof user.recheck }));
        hook.now(() => ({ member: 2 }));
        pass(11);
        expect((await who()).member).toBe(2);
        expect((await sessionOf(op.issuer))?.data.user?.recheck).not.toHaveProperty('idle');
      }),
    );
  });
});

describe('who signs in again after a recheck has ended the session', () => {
  test('is there with new claims', () =>
    withRecheck({}, async (at: Rechecked) => {
      const { op, profile, pass, open, app } = at;
      op.nextRefresh(refusal(400, 'invalid_grant'));
      pass(11);
      await open('/who');
      profile.idToken = { name: 'Ada Again', roles: ['member'] };
      const browser: Browser = createBrowser();
      const page = await browser.get(app.url('/who'));
      expect(JSON.parse(page.body)).toMatchObject({ roles: ['member'], claims: { name: 'Ada Again' } });
    }));
});
