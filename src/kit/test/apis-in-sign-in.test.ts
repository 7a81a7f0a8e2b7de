import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createHook } from './helpers/asked.ts';
import { headingOf } from './helpers/pair.ts';
import { withApis } from './helpers/several-apis.ts';
import { challenged } from './helpers/stub-api.ts';

// `signIn` in site.ts calls APIs that have access tokens of their own: at a sign-in, when there is no session yet, and at
// a recheck.

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1000);
const apis = { notes: { scope: 'notes.read' }, plans: { audience: 'plans' } };
const env = { SESSION_RECHECK_MINUTES: '10' };

/** A site whose `signIn` does this with what it is handed. */
function withHook(does: Parameters<ReturnType<typeof createHook>['now']>[0], keepsRefreshToken = false) {
  const hook = createHook();
  hook.now(does);
  return { hook, options: { apis, env, site: { signIn: hook.signIn }, profile: { keepsRefreshToken } } };
}

type At = Parameters<Parameters<ReturnType<typeof createHook>['now']>[0]>[0];
const fetchOf = ({ fetchApi }: At) => fetchApi as (name: string, path: string) => Promise<Response>;

describe('at a sign-in', () => {
  test('two APIs at once use the refresh token one after the other, and their tokens are the session’s afterwards', () => {
    const { options } = withHook(async (at) => {
      const answers = await Promise.all(['notes', 'plans', 'notes'].map((name) => fetchOf(at)(name, '/me')));
      return { member: answers.map(({ status }) => status) };
    });
    // This provider refuses a refresh token that was used before.
    return withApis(options, async ({ call, open, asked, notes, plans, record }) => {
      expect((await open('/profile')).status).toBe(200);
      expect(asked).toEqual([
        { grant_type: 'refresh_token', scope: 'notes.read' },
        { grant_type: 'refresh_token', audience: 'plans' },
      ]);
      expect(Object.keys((await record()).apis ?? {})).toEqual(['notes', 'plans']);
      expect(notes.tokens()[0]).toContain('for-notes.read');
      expect(plans.tokens()[0]).toContain('for-plans');
      expect((await call('notes')).status).toBe(200);
      expect((await call('plans')).status).toBe(200);
      expect([asked.length, notes.tokens().length, plans.tokens().length]).toEqual([2, 1, 1]);
      // With the refresh token that came last.
      pass(3_590);
      expect((await open('/token')).status).toBe(200);
      expect(asked.length).toBeGreaterThan(2);
    });
  });

  test('what the provider refuses for one API lets nobody in where signIn passes it on, and the log says what to do', () => {
    const { options } = withHook((at) => fetchOf(at)('notes', ''), true);
    return withApis(options, async ({ app, open, answers, asked, notes }) => {
      answers(({ scope }) => (scope ? { status: 400, json: { error: 'invalid_scope' } } : undefined));
      const page = await open('/profile');
      expect(page.status).toBe(503);
      expect([asked.length, notes.calls]).toEqual([1, []]);
      expect(JSON.stringify(app.lines)).toContain("API 'notes' in site.ts");
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'admission_failed' }]);
    });
  });

  test('and where signIn catches it, the provider is not asked again, neither in it nor by the first page', () => {
    const { options } = withHook(async (at) => {
      for (let times = 0; times < 3; times++) await fetchOf(at)('notes', '').catch(() => {});
      return {};
    }, true);
    return withApis(options, async ({ call, open, answers, asked }) => {
      answers(({ scope }) => (scope ? { status: 400, json: { error: 'invalid_scope' } } : undefined));
      expect((await open('/profile')).status).toBe(200);
      expect(headingOf(await call('notes'))).toBe('Please sign in again');
      expect(asked).toHaveLength(1);
      answers(() => undefined);
      expect((await call('plans')).status).toBe(200);
    });
  });

  test('a refresh token that was used up there is not used again', () => {
    const { options } = withHook(async (at) => {
      await fetchOf(at)('notes', '').catch(() => {});
      return {};
    });
    return withApis(options, async ({ op, call, open, answers, asked, record }) => {
      answers(() => 'honest');
      op.nextRefresh({ sign: 'broken' });
      expect((await open('/profile')).status).toBe(200);
      expect((await record()).spent).toBe(true);
      await call('plans');
      expect(asked).toHaveLength(1);
    });
  });

  test('without a refresh token there is none for an API of its own, and the log says what to ask for', () => {
    const { options } = withHook((at) => fetchOf(at)('notes', ''));
    return withApis(options, async ({ op, app, open, asked }) => {
      op.next({ token: { json: { refresh_token: undefined } } });
      expect((await open('/profile')).status).toBe(503);
      expect(asked).toEqual([]);
      expect(JSON.stringify(app.lines)).toContain('ask for offline_access');
    });
  });
});

describe('at a recheck', () => {
  test('the session’s token is used, got under its lock, and kept', () => {
    const { hook, options } = withHook(() => ({}));
    return withApis(options, async ({ call, open, asked, notes, record }) => {
      await call('notes');
      hook.now(async (at) => {
        await Promise.all([fetchOf(at)('notes', '/a'), fetchOf(at)('plans', '/b')]);
        return { member: 'rechecked' };
      });
      pass(601);
      await open('/profile');
      expect(asked.slice(1)).toEqual([
        { grant_type: 'refresh_token' },
        { grant_type: 'refresh_token', audience: 'plans' },
      ]);
      expect(notes.tokens()).toHaveLength(1);
      expect(Object.keys((await record()).apis ?? {}).sort()).toEqual(['notes', 'plans']);
      expect((await open('/token')).body).toBe((await record()).access_token);
    });
  });

  test('a token that is still valid is used where it cannot be refreshed', () => {
    const { hook, options } = withHook(() => ({}), true);
    return withApis(options, async ({ app, call, open, answers, notes }) => {
      await call('notes');
      pass(3_580);
      answers(({ scope }) => (scope ? { status: 503, json: {} } : undefined));
      hook.now(async (at) => ({ member: (await fetchOf(at)('notes', '')).status }));
      await open('/profile');
      expect(notes.calls).toHaveLength(2);
      expect(app.lines.filter(({ msg }) => /recheck failed/.test(msg))).toEqual([]);
    });
  });

  test('a refresh for an API that ends the session ends it', () => {
    const { hook, options } = withHook(() => ({}), true);
    return withApis(options, async ({ op, app, open, answers, notes }) => {
      await open('/profile');
      hook.now(async (at) => ({ member: (await fetchOf(at)('notes', '')).status }));
      answers(({ scope }) => {
        if (scope) return 'honest';
        op.nextRefresh({ idToken: { sub: 'user-2' } });
        return undefined;
      });
      pass(601);
      await open('/profile');
      expect(app.events('session.ended')).toMatchObject([{ reason: 'account' }]);
      expect(notes.calls).toEqual([]);
    });
  });

  test('what the provider refuses for one API is no success of the recheck, and ends nothing', () => {
    const { hook, options } = withHook(() => ({}), true);
    return withApis(options, async ({ app, open, answers }) => {
      await open('/profile');
      hook.now(async (at) => ({ member: (await fetchOf(at)('notes', '')).status }));
      answers(({ scope }) => (scope ? { status: 400, json: { error: 'invalid_grant' } } : undefined));
      pass(601);
      expect((await open('/profile')).status).toBe(200);
      expect(app.events('session.ended')).toEqual([]);
    });
  });
});

test('a token that the API refuses is refreshed once for signIn too', () => {
  const { hook, options } = withHook(() => ({}));
  return withApis(options, async ({ call, open, asked, notes }) => {
    await call('notes');
    const [old] = notes.tokens();
    const invalid = challenged('Bearer error="invalid_token"');
    notes.now(({ token }) => (token === old ? invalid() : {}));
    const said: number[] = [];
    hook.now(async (at) => {
      said.push((await fetchOf(at)('notes', '')).status);
      return {};
    });
    pass(601);
    await open('/profile');
    expect(said).toEqual([200]);
    expect(asked.filter(({ scope }) => scope)).toHaveLength(2);
  });
});
