import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { getUser } from '../session/user-session.ts';
import { createHook } from './helpers/asked.ts';
import { withApis } from './helpers/several-apis.ts';

// Access tokens of APIs that have one of their own: what the provider is asked, and what of its answers is kept (R12, R13).

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const refresh = { grant_type: 'refresh_token' };
const hello = { status: 200, body: '{"message":"hello"}' };
const json = ({ body }: { body: string }) => JSON.parse(body) as unknown;

describe('an API with an access token of its own', () => {
  test.each([
    ['scope (Microsoft Entra)', { scope: 'api://notes/read api://notes/write' }],
    ['audience (Auth0)', { audience: 'https://notes.example.com/' }],
    ['audience and scope', { audience: 'notes', scope: 'read write' }],
    ['resource (RFC 8707)', { resource: 'https://notes.example.com' }],
    ['resource and scope', { resource: 'https://notes.example.com', scope: 'notes.read' }],
  ])('gets it by %s: this is asked, word for word, and nothing else', (_what, notes) =>
    withApis(
      {
        apis: { notes, plans: {} },
        env: { OIDC_RESOURCE: 'https://app.example.com', OIDC_AUDIENCE: 'the-app' },
      },
      async ({ call, asked, notes: api, plans }) => {
        expect(json(await call('notes'))).toEqual(hello);
        expect(asked).toEqual([{ ...refresh, ...notes }]);
        const [target = ''] = Object.values(notes).reverse();
        expect(api.tokens()).toHaveLength(1);
        expect(`${api.tokens()} ${target}`).toContain('token-1-for-');
        // Kept, and not asked for again.
        for (let times = 0; times < 3; times++) await call('notes');
        expect([asked.length, api.tokens().length, api.calls.length]).toEqual([1, 1, 4]);
        // The other one takes the access token of the sign-in.
        await call('plans');
        expect([asked.length, plans.tokens()]).toEqual([1, [expect.stringMatching(/^access_token-/)]]);
      },
    ),
  );

  test('asks for the settings’ resource with the plain refresh alone', () =>
    withApis(
      {
        apis: { notes: { scope: 'notes.read' }, plans: {} },
        env: { OIDC_RESOURCE: 'https://app.example.com' },
      },
      async ({ call, asked }) => {
        await call('notes');
        pass(3_580);
        await call('plans');
        expect(asked).toEqual([
          { ...refresh, scope: 'notes.read' },
          { ...refresh, resource: 'https://app.example.com' },
        ]);
      },
    ));

  test('keeps its token over a plain refresh, which goes on with the newest refresh token, and the other way round', () =>
    withApis(
      { apis: { notes: { scope: 'notes.read' }, plans: { audience: 'plans' } } },
      async ({ call, asked, notes, plans, open, record }) => {
        await call('notes');
        await call('plans');
        const before = await record();
        pass(3_580);
        const first = (await open('/token')).body;
        expect(asked.slice(2)).toEqual([refresh]);
        const after = await record();
        expect(after.access_token).toBe(first);
        expect(after.apis).toEqual(before.apis);
        expect(after.refresh_token).not.toBe(before.refresh_token);
        // Those of the APIs are as old as the first, and due by now.
        await call('notes');
        await call('plans');
        expect(asked.slice(3)).toEqual([
          { ...refresh, scope: 'notes.read' },
          { ...refresh, audience: 'plans' },
        ]);
        expect(notes.tokens().every((token) => token.includes('for-notes.read'))).toBe(true);
        expect(plans.tokens().every((token) => token.includes('for-plans'))).toBe(true);
        expect((await record()).access_token).toBe(first);
      },
    ));

  test('says its own times, not those of the sign-in', () =>
    withApis({ apis: { notes: { scope: 'n' }, plans: {} } }, async ({ call, open, answers }) => {
      await open('/profile');
      expect(json(await open('/state/notes'))).toEqual({});
      expect(json(await open('/state/plans'))).toEqual({ expiresAt: expect.any(String) });
      answers(() => ({ json: { access_token: 'a-token-for-n', token_type: 'Bearer', expires_in: 60 } }));
      const at = Date.now();
      await call('notes');
      expect((await open('/token/notes')).body).toBe('a-token-for-n');
      expect(json(await open('/state/notes'))).toEqual({
        expiresAt: new Date(at + 60_000).toISOString(),
        refreshedAt: new Date(at).toISOString(),
      });
    }));

  test.each(['token', 'state', 'call'])('that site.ts does not name is a mistake of the site (%s)', (what) =>
    withApis({ apis: { notes: { scope: 'n' }, plans: {} } }, async ({ open, app }) => {
      await open('/profile');
      for (const name of ['nots', '__proto__', 'constructor']) {
        expect((await open(`/${what}/${name}`)).status).toBe(500);
      }
      expect(JSON.stringify(app.lines)).toContain("site.ts has no API named 'nots'");
    }),
  );
});

test('a token of an API changes nothing of the session: neither claims, roles, scopes nor the time of the recheck (R12)', () => {
  const hook = createHook();
  hook.now(({ roles }) => ({ roles: [...roles, 'member'] }));
  return withApis(
    {
      apis: { notes: { scope: 'notes.read' }, plans: {} },
      env: { SESSION_RECHECK_MINUTES: '10' },
      profile: { keepsRefreshToken: true },
      site: { signIn: hook.signIn },
      mount: (app) =>
        app.get('/me', (req, res) => void res.json({ ...getUser(req), idleExpiresAt: undefined })),
    },
    async ({ call, open, asked, answers, record }) => {
      await open('/profile');
      const me = json(await open('/me'));
      const before = await record();
      pass(300);
      answers(({ scope }) =>
        scope === undefined ? undefined : { json: { ...bearer('for-notes'), scope: 'notes.read' } },
      );
      await call('notes');
      expect(json(await open('/me'))).toEqual(me);
      const { apis, ...rest } = await record();
      const { apis: _none, ...old } = before;
      expect(rest).toEqual(old);
      expect(Object.keys(apis ?? {})).toEqual(['notes']);
      // The recheck comes when it is due, ten minutes after the sign-in.
      pass(299);
      await open('/profile');
      expect([asked.length, hook.asked.length]).toEqual([1, 1]);
      pass(2);
      await open('/profile');
      expect([asked.length, hook.asked.length]).toEqual([2, 2]);
    },
  );
});

test('an API whose scope has changed in site.ts meanwhile gets another token, and nobody keeps the old one', () =>
  withApis(
    { apis: { notes: { scope: 'notes.read' }, plans: {} } },
    async ({ call, asked, notes, record, replaceRecord }) => {
      await call('notes');
      // As an older deploy has left it: with another scope, and with an API that is gone.
      await replaceRecord((old) => {
        const kept = Object.values(old.apis ?? {})[0];
        const stale = { ...kept, asked: 'of another scope' };
        return { ...old, apis: { notes: stale, gone: stale } };
      });
      await call('notes');
      expect([asked.length, notes.tokens().length]).toEqual([2, 2]);
      const { apis } = await record();
      expect(Object.keys(apis ?? {})).toEqual(['notes']);
      expect(apis?.notes?.token?.access_token).toBe(notes.tokens()[1]);
    },
  ));

test('a session of an older deploy, whose record knows no APIs, gets its tokens all the same', () =>
  withApis(
    { apis: { notes: { scope: 'notes.read' }, plans: {} } },
    async ({ call, asked, replaceRecord }) => {
      await call('notes');
      await replaceRecord(({ apis: _none, ...old }) => old);
      expect(json(await call('notes'))).toEqual(hello);
      expect(asked).toHaveLength(2);
    },
  ));

test('a resource that the sign-in has not asked for leads to a sign-in, and spends no refresh token', () =>
  withApis(
    { apis: { notes: { resource: 'https://notes.example.com' }, plans: {} } },
    async ({ call, asked, record, replaceRecord, open }) => {
      await call('notes');
      expect((await record()).asked_for).toEqual(['notes']);
      await replaceRecord(({ apis: _none, asked_for: _neither, ...old }) => old);
      const page = await call('notes');
      expect(page.status).toBe(401);
      expect(asked).toHaveLength(1);
      expect((await open('/profile')).status).toBe(200);
      expect((await record()).refresh_token).toBeDefined();
    },
  ));

test('twenty APIs with tokens of 16,000 characters fit into one session, and a longer one is refused', () => {
  const url = 'http://127.0.0.1:9';
  const names = Array.from({ length: 18 }, (_, at) => [`api${at}`, { url, scope: `s${at}` }]);
  const apis = { notes: { scope: 'notes' }, plans: { scope: 'plans' }, ...Object.fromEntries(names) };
  return withApis({ apis }, async ({ open, answers, record, app, call, asked }) => {
    await open('/profile');
    let at = 0;
    const length = { now: 16_000 };
    answers(({ scope }) => {
      if (scope === undefined) return undefined;
      return { json: bearer(`${at++}-`.padEnd(length.now, 'y')) };
    });
    for (const name of ['plans', ...names.map(([name]) => name)]) {
      expect((await open(`/token/${name}`)).body).toHaveLength(16_000);
    }
    length.now = 16_001;
    expect((await call('notes')).status).toBe(401);
    expect(JSON.stringify(app.events('token.refresh_failed'))).toContain('more than 16000 characters');
    expect((await call('plans')).status).toBe(200);
    expect(Object.keys((await record()).apis ?? {})).toHaveLength(20);
    expect(asked).toHaveLength(20);
  });
});

function bearer(access_token: string) {
  return { access_token, token_type: 'Bearer', expires_in: 3600 };
}
