import { describe, expect, test } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { endSessions, recheck } from '../session/by-owner.ts';
import { createBrowser } from './helpers/browser.ts';
import { copyOf, textOf } from './helpers/instances.ts';
import { headingOf } from './helpers/pair.ts';
import { asScript, menuOf, minute, type Rechecked, withRecheck } from './helpers/rechecks.ts';

// The recheck of somebody who is signed in: when it is made, and what `signIn` in site.ts says at it.

describe('a recheck', () => {
  test('is not made before its time, and once when it is due, however many ask', () =>
    withRecheck({ signIn: () => ({ roles: ['a'] }) }, async ({ pass, who, counts, browser, app, hook }) => {
      const before = counts();
      pass(9.9);
      await who();
      expect(counts()).toEqual(before);
      pass(0.2);
      const url = app.url('/who');
      hook.now(() => ({ roles: ['b'] }));
      const answers = await Promise.all(Array.from({ length: 20 }, () => browser.get(url)));
      for (const { status, body } of answers) expect([status, JSON.parse(body).roles]).toEqual([200, ['b']]);
      expect(counts()).toEqual({
        token: before.token + 1,
        userinfo: before.userinfo + 1,
        signIn: before.signIn + 1,
      });
      pass(9.9);
      await who();
      expect(counts().token).toBe(before.token + 1);
      pass(0.2);
      await who();
      expect(counts().token).toBe(before.token + 2);
      expect(hook.asked.map(({ reason }) => reason)).toEqual(['sign-in', 'recheck', 'recheck']);
    }));

  test.each<[string, (at: Rechecked) => Promise<unknown>]>([
    ['a page', ({ open }) => open('/profile')],
    ['a page of the kit', ({ open }) => open('/sessions')],
    ['a plain route', ({ open }) => open('/admin-only')],
    ['a form', ({ browser, app }) => browser.post(app.url('/who'), { a: 'b' })],
    ['a script', ({ browser, app }) => browser.get(app.url('/api/hello'), asScript)],
  ])('is made by %s', (_what, ask) =>
    withRecheck({ signIn: () => undefined }, async (at) => {
      const before = at.counts().signIn;
      at.pass(11);
      await ask(at);
      expect(at.counts().signIn).toBe(before + 1);
    }),
  );

  test.each([
    ...['/', '/anyone', '/auth/session', '/site.css', '/kit.css', '/healthz', '/signed-out'],
    '/nowhere',
  ])('is not made by %s', (path) =>
    withRecheck({ signIn: () => undefined }, async ({ pass, counts, open }) => {
      const before = counts();
      pass(11);
      await open(path);
      expect(counts()).toEqual(before);
    }),
  );

  test('is not made by signing out', () =>
    withRecheck({ signIn: () => undefined }, async ({ pass, counts, browser, app }) => {
      const before = counts().signIn;
      pass(11);
      await browser.post(app.url('/auth/logout'), {});
      expect(counts().signIn).toBe(before);
    }));

  test('never comes by itself with SESSION_RECHECK_MINUTES=0, but when the site asks for it', () =>
    withRecheck(
      { signIn: ({ reason }) => ({ member: reason }), env: { SESSION_RECHECK_MINUTES: '0' } },
      async ({ pass, who, counts, op }) => {
        const before = counts();
        pass(29);
        expect((await who()).member).toBe('sign-in');
        expect(counts()).toEqual(before);
        expect(await recheck({ iss: op.issuer, sub: 'user-1' })).toBe(1);
        expect((await who()).member).toBe('recheck');
        pass(29);
        await who();
        expect(counts().signIn).toBe(before.signIn + 1);
      },
    ));

  test('that is asked for while one is under way comes after that one, and at once', () =>
    withRecheck({ signIn: () => ({ member: 0 }) }, async ({ pass, who, hook, op }) => {
      pass(11);
      const { reached, goOn } = hook.hold(() => ({ member: 'asked too early' }));
      const first = who();
      await reached;
      expect(await recheck({ iss: op.issuer, sub: 'user-1' })).toBe(1);
      hook.now(() => ({ member: 'asked after it' }));
      goOn();
      expect((await first).member).toBe('asked after it');
      expect(hook.asked).toHaveLength(3);
      await who();
      expect(hook.asked).toHaveLength(3);
    }));

  test('that is asked for while they sign in is made at their first page', () =>
    withRecheck({ signIn: () => ({ roles: ['editor'] }) }, async ({ app, hook, op }) => {
      const { reached, goOn } = hook.hold(() => ({ roles: ['editor'] }));
      const second = createBrowser();
      const signingIn = second.get(app.url('/who'));
      await reached;
      // An administrator takes the role away, after signIn has read it.
      hook.now(() => ({ roles: [] }));
      await recheck({ iss: op.issuer, sub: 'user-1' });
      goOn();
      expect(JSON.parse((await signingIn).body).roles).toEqual([]);
      expect(hook.asked.at(-1)?.reason).toBe('recheck');
      // A sign-in that begins after that is not asked twice.
      const asked = hook.asked.length;
      await createBrowser().get(app.url('/who'));
      expect(hook.asked).toHaveLength(asked + 1);
    }));
});

describe('at a recheck signIn', () => {
  test('is handed what the provider says now, and gives roles and member anew', () =>
    withRecheck({ signIn: () => ({ roles: ['a', 'b'], member: { id: 1 } }) }, async (at) => {
      const { hook, profile, pass, who, app, open } = at;
      Object.assign(profile.idToken, { name: 'Ada Married', roles: ['auditor'] });
      hook.now(({ roles }) => ({ roles: [...roles, 'b'], member: { id: 2 } }));
      pass(11);
      expect(await who()).toMatchObject({ roles: ['auditor', 'b'], member: { id: 2 } });
      expect(hook.asked.at(-1)).toMatchObject({
        ...{ reason: 'recheck', roles: ['auditor'], provider: 'default', sub: 'user-1' },
        claims: { iss: at.op.issuer, sub: 'user-1', sid: 'sid-1', name: 'Ada Married' },
      });
      expect(app.events('claims.changed')).toMatchObject([
        { sub: 'user-1', added: ['auditor'], removed: ['a'], session: expect.any(String) },
      ]);
      expect((await open('/profile')).body).toContain('Ada Married');
      // What it leaves out then is left out: no member, and the roles in the claims.
      hook.now(() => ({}));
      pass(11);
      const { roles, member } = await who();
      expect([roles, member]).toEqual([['auditor'], undefined]);
    }));

  test('calls an API with the token that was refreshed for it', () =>
    withRecheck({ signIn: () => undefined }, async ({ hook, pass, who, op }) => {
      let status: number | undefined;
      hook.now(async ({ fetchApi }) => {
        status = (await fetchApi('data', '')).status;
      });
      pass(11);
      await who();
      expect([status, op.calls.api]).toEqual([200, 1]);
    }));

  test('that refuses ends the session: the page says why, and so do its other tabs at /signed-out', () =>
    withRecheck({ signIn: () => undefined }, async (at) => {
      const { hook, pass, browser, app, open, reasons } = at;
      const other = copyOf(browser);
      hook.now(() => {
        throw refuse('Your <contract> has ended.');
      });
      pass(11);
      const page = await open('/who');
      expect([page.status, headingOf(page)]).toEqual([403, "You can't use this app"]);
      expect(page.body).toContain('Your &lt;contract&gt; has ended.');
      expect(textOf(page)).toMatch(/Ada Example.*Use another account.*Sign out of/);
      expect(browser.cookie('session')).toBeUndefined();
      expect(reasons('session.ended')).toEqual(['not_admitted']);
      expect((await other.get(app.url('/auth/session'))).status).toBe(401);
      const told = await other.get(app.url('/who'), { follow: (url) => url.startsWith(app.origin) });
      expect(new URL(told.url).pathname).toBe('/signed-out');
      expect(textOf(told)).toContain("isn't allowed to use this app");
      expect(app.events('sign_in.failed')).toEqual([]);
    }));

  test('that refuses is a 403 for a form and a script too', () =>
    withRecheck({ signIn: () => undefined }, async ({ hook, pass, browser, app }) => {
      const other = copyOf(browser);
      hook.now(() => {
        throw refuse();
      });
      pass(11);
      const [form, script] = await Promise.all([
        browser.post(app.url('/who'), { a: 'b' }),
        other.get(app.url('/who'), asScript),
      ]);
      expect([form.status, script.status]).toEqual([403, 403]);
      expect(script.headers.get('content-type')).toMatch('application/problem+json');
    }));

  test.each<[string, () => unknown]>([
    ['throws', () => Promise.reject(new Error('the database is away'))],
    ['returns nonsense', () => ({ roles: 'admin' })],
  ])('that %s changes nothing, ends nothing, is logged, and is asked again a minute later', (_what, does) =>
    withRecheck({ signIn: () => ({ roles: ['a'], member: 1 }) }, async (at) => {
      const { hook, pass, who, counts, app, reasons } = at;
      hook.now(does);
      pass(11);
      expect(await who()).toMatchObject({ roles: ['a'], member: 1 });
      const failed = counts().signIn;
      const lines = app.lines.filter(({ msg }) => /a recheck failed/.test(msg));
      expect(lines).toMatchObject([{ reason: 'admission_failed', hint: expect.stringContaining('site.ts') }]);
      expect(JSON.stringify(lines)).toMatch(/database is away|list of at most/);
      pass(0.9);
      await who();
      expect(counts().signIn).toBe(failed);
      hook.now(() => ({ roles: ['b'], member: 2 }));
      pass(0.2);
      expect(await who()).toMatchObject({ roles: ['b'], member: 2 });
      expect(reasons('session.ended')).toEqual([]);
      // From then on every ten minutes again.
      pass(9);
      await who();
      expect(counts().signIn).toBe(failed + 1);
    }),
  );

  test('that takes long is waited for 3 seconds: then the old values are used, and its answer is kept', () =>
    withRecheck({ signIn: () => ({ member: 'old' }) }, async ({ hook, pass, who, app }) => {
      const answer = Promise.withResolvers<unknown>();
      hook.now(() => answer.promise);
      pass(11);
      const start = performance.now();
      expect((await who()).member).toBe('old');
      const waited = performance.now() - start;
      expect(waited).toBeGreaterThan(2_900);
      expect(waited).toBeLessThan(4_500);
      // Nobody waits again for the one that is under way.
      pass(0.1);
      expect((await who()).member).toBe('old');
      expect(performance.now() - start - waited).toBeLessThan(1_000);
      answer.resolve({ member: 'new', roles: ['late'] });
      await expect.poll(() => app.events('claims.changed').length).toBe(1);
      expect(await who()).toMatchObject({ member: 'new', roles: ['late'] });
      expect(hook.asked).toHaveLength(2);
    }));

  test('that takes longer than a session lives puts nothing back', () =>
    withRecheck({ signIn: () => undefined }, async ({ hook, pass, open, op, reasons, browser, app }) => {
      const [reached, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()];
      hook.now(() => {
        reached.resolve();
        return answer.promise;
      });
      pass(11);
      const asked = browser.get(app.url('/who'), { follow: false });
      await reached.promise;
      expect(await endSessions({ iss: op.issuer, sub: 'user-1' })).toBe(1);
      answer.resolve({ roles: ['admin'] });
      const told = await asked;
      expect([told.status, told.location]).toEqual([302, app.url('/signed-out?returnTo=%2Fwho')]);
      expect((await open('/auth/session')).status).toBe(401);
      expect(reasons('session.ended')).toEqual(['operator']);
      expect(app.events('claims.changed')).toEqual([]);
    }));
});

test('an hour without success is one audit event, and no second one in this session', () =>
  withRecheck({ signIn: () => undefined }, async ({ hook, pass, who, app }) => {
    const failed = () => app.events('session.recheck_failed');
    hook.now(() => Promise.reject(new Error('the database is away')));
    for (let minutes = 0; minutes < 59; minutes += 10) {
      pass(9.8);
      await who();
      expect(failed()).toEqual([]);
    }
    pass(1.5);
    await who();
    expect(failed()).toMatchObject([
      { sub: 'user-1', reason: 'admission_failed', session: expect.any(String) },
    ]);
    hook.now(() => undefined);
    pass(2);
    await who();
    hook.now(() => Promise.reject(new Error('the database is away again')));
    for (let times = 0; times < 8; times++) {
      pass(10.1);
      await who();
    }
    expect(failed()).toHaveLength(1);
  }));

test('a success in between begins the hour anew', () =>
  withRecheck({ signIn: () => undefined }, async ({ hook, pass, who, app }) => {
    for (let times = 0; times < 9; times++) {
      hook.now(() => (times === 4 ? undefined : Promise.reject(new Error('away'))));
      pass(10.5);
      await who();
    }
    expect(minute * 9 * 10.5).toBeGreaterThan(60 * minute);
    expect(app.events('session.recheck_failed')).toEqual([]);
  }));

describe('endSessions and recheck', () => {
  test.each([
    ['nothing', undefined],
    ['null', null],
    ['an email', 'ada@example.com'],
    ['no sub', { iss: 'https://id.example' }],
    ['an empty sub', { iss: 'https://id.example', sub: '' }],
    ['a sub that is not a string', { iss: 'https://id.example', sub: 7 }],
    ['a list of subs', { iss: 'https://id.example', sub: ['a'] }],
  ])('refuse %s in a sentence', async (_what, owner) => {
    await expect(endSessions(owner as never)).rejects.toThrow('{ iss, sub }');
    await expect(recheck(owner as never)).rejects.toThrow('{ iss, sub }');
  });

  test('say so before an app runs', async () => {
    const owner = { iss: 'https://id.example', sub: 'ada' };
    await expect(endSessions(owner)).rejects.toThrow('no app is running');
    await expect(recheck(owner)).rejects.toThrow('no app is running');
  });

  test('reach the sessions of this user only, and say how many there are', () =>
    withRecheck({ signIn: () => undefined }, async ({ op, who, counts }) => {
      const before = counts().signIn;
      const others = [
        { iss: op.issuer, sub: 'user-2' },
        { iss: `${op.issuer}/`, sub: 'user-1' },
      ];
      for (const owner of others) {
        expect([await recheck(owner), await endSessions(owner)]).toEqual([0, 0]);
      }
      await who();
      expect(counts().signIn).toBe(before);
    }));
});

test('a role that is gone is gone on each page at once, in the menu too; a new one is there', () =>
  withRecheck({}, async ({ profile, pass, open, browser, app }) => {
    expect(menuOf(await open('/profile'))).toContain('Admin');
    profile.idToken.roles = ['member'];
    pass(11);
    // The page of that role is the first that asks.
    expect((await open('/admin')).status).toBe(403);
    expect(menuOf(await open('/'))).not.toContain('Admin');
    expect((await browser.get(app.url('/auth/session'))).body).toContain('"roles":["member"]');
    expect(app.events('claims.changed')).toMatchObject([{ added: [], removed: ['admin'] }]);
    profile.idToken.roles = ['member', 'admin'];
    pass(11);
    const page = await open('/admin');
    expect([page.status, menuOf(page).includes('Admin')]).toEqual([200, true]);
    expect(app.events('claims.changed')).toMatchObject([{}, { added: ['admin'], removed: [] }]);
  }));
