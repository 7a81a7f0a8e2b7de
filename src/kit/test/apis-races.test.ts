import { expect, onTestFinished, test, vi } from 'vitest';
import { withApis } from './helpers/several-apis.ts';

// Refreshes for several APIs, and endings, that meet each other in one process (R10, R13).

const apis = { notes: { scope: 'notes.read' }, plans: { scope: 'plans.read' } };

test('a session that is ended while an API’s token is on its way stays ended, and the token is not used', () =>
  withApis({ apis }, async ({ op, app, call, open, answers, notes }) => {
    await open('/profile');
    const reached = Promise.withResolvers<void>();
    const goOn = Promise.withResolvers<void>();
    answers(async () => {
      reached.resolve();
      await goOn.promise;
      return undefined;
    });
    const calling = call('notes');
    await reached.promise;
    const owner = { iss: op.issuer, sub: 'user-1' };
    const [session] = await app.sessions.list(owner);
    expect(await app.sessions.endOwner(owner, 'operator')).toBe(1);
    goOn.resolve();
    expect((await calling).status).toBe(401);
    expect(notes.calls).toEqual([]);
    expect(await app.sessions.list(owner)).toEqual([]);
    expect(await app.sessions.tokens.read(session?.id ?? '')).toBeUndefined();
  }));

test('what waits for one API’s token gets that one, never another’s: one refresh each, one after the other', () =>
  withApis({ apis }, async ({ op, call, open, answers, asked, notes, plans }) => {
    op.next({ token: { json: { expires_in: 1 } } });
    await open('/profile');
    let atOnce = 0;
    let most = 0;
    answers(async () => {
      most = Math.max(most, ++atOnce);
      await new Promise((resolve) => setTimeout(resolve, 50));
      atOnce--;
      return undefined;
    });
    const paths = Array.from({ length: 30 }, (_, at) => ['notes', 'plans', ''][at % 3] ?? '');
    const pages = await Promise.all(paths.map((name) => (name ? call(name) : open('/token'))));
    expect(pages.map(({ status }) => status)).toEqual(Array(30).fill(200));
    expect(asked.map(({ scope = 'the sign-in' }) => scope).sort()).toEqual([
      'notes.read',
      'plans.read',
      'the sign-in',
    ]);
    expect(most).toBe(1);
    expect(notes.tokens()).toHaveLength(1);
    expect(notes.tokens()[0]).toContain('for-notes.read');
    expect(plans.tokens()).toHaveLength(1);
    expect(plans.tokens()[0]).toContain('for-plans.read');
    const own = new Set(pages.filter((_, at) => at % 3 === 2).map(({ body }) => body));
    expect([own.size, [...own][0]]).toEqual([1, expect.stringMatching(/^access_token-/)]);
  }));

test('one API’s refusal is shared by those who wait for that API, and by nobody else', () =>
  withApis({ apis, profile: { keepsRefreshToken: true } }, async ({ app, call, open, answers, asked }) => {
    await open('/profile');
    answers(({ scope }) =>
      scope === 'notes.read' ? { status: 400, json: { error: 'invalid_scope' } } : undefined,
    );
    const names = Array.from({ length: 20 }, (_, at) => (at % 2 ? 'plans' : 'notes'));
    const pages = await Promise.all(names.map((name) => call(name)));
    expect(pages.map(({ status }) => status)).toEqual(names.map((name) => (name === 'plans' ? 200 : 401)));
    expect(asked).toHaveLength(2);
    expect(app.events('token.refresh_failed')).toHaveLength(1);
  }));

test('a new token that cannot be stored is not used', () =>
  withApis({ apis }, async ({ app, call, open, notes }) => {
    await open('/profile');
    const { replace } = app.sessions.tokens;
    app.sessions.tokens.replace = async () => {
      throw Object.assign(new Error('the store is away'), { name: 'StoreError' });
    };
    const page = await call('notes');
    app.sessions.tokens.replace = replace;
    expect([page.status, notes.calls]).toEqual([503, []]);
    expect((await open('/profile')).status).toBe(200);
  }));

test('twelve APIs that are asked for at once each get their token from a provider that takes a second for each', () => {
  const names = Array.from({ length: 12 }, (_, at) => `api${at}`);
  const more = Object.fromEntries(
    names.map((name) => [name, { url: 'http://127.0.0.1:9', scope: `of-${name}` }]),
  );
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
  return withApis({ apis: { ...apis, ...more } }, async ({ open, answers, asked }) => {
    await open('/profile');
    answers(async () => {
      await new Promise((resolve) => setTimeout(resolve, 60));
      vi.setSystemTime(Date.now() + 1_000);
      return undefined;
    });
    const pages = await Promise.all(names.map((name) => open(`/token/${name}`)));
    expect(pages.map(({ status }) => status)).toEqual(Array(12).fill(200));
    expect(asked).toHaveLength(12);
  });
});
