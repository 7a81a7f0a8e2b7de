import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { atLeast } from './helpers/app.ts';
import { createHook, mountWho, startSmallApi, whoIs } from './helpers/asked.ts';
import { createBrowser } from './helpers/browser.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';

// `signIn` in site.ts at a sign-in: what it is handed, and what becomes of what it returns.

const hook = createHook();
let pair: Pair;
let api: Awaited<ReturnType<typeof startSmallApi>>;
const who = () => pair.app.url('/who');

beforeAll(async () => {
  api = await startSmallApi();
  pair = await startPair({
    env: { API_URL: api.url },
    parts: { signIn: hook.signIn },
    routes: { mount: mountWho },
  });
});
afterAll(async () => {
  await pair?.stop();
  await api?.stop();
});
beforeEach(() => {
  hook.asked.length = 0;
});

test('signIn is handed who it is, what they may, what the site works with, and a way to call its APIs', async () => {
  let called: unknown;
  hook.now(async ({ fetchApi, log }) => {
    log.info('asked about a person');
    called = await (await fetchApi('data', '/plan?of=me')).json();
  });
  await pair.signIn('alice', '/who');
  expect(hook.asked).toHaveLength(1);
  const [at] = hook.asked;
  expect(at).toMatchObject({
    ...{ iss: pair.provider.issuer, sub: 'alice', provider: 'default', reason: 'sign-in' },
    roles: ['admin', 'member'],
    data: { greeting: 'Hello' },
    settings: { API_URL: api.url },
  });
  // Of the ID token, and of userinfo.
  expect(at?.claims).toMatchObject({
    ...{ iss: pair.provider.issuer, sub: 'alice', sid: expect.any(String) },
    ...{ auth_time: expect.any(Number), name: 'Alice Adams' },
  });
  expect(Object.keys(at?.claims ?? {})).not.toContain('nonce');
  expect(called).toEqual({ plan: 'gold' });
  // The sign-in's own token, which is nowhere in the log (R20).
  expect(api.calls).toEqual([
    { url: '/plan?of=me', authorization: expect.stringMatching(/^Bearer \S{20,}/) },
  ]);
  const token = api.calls[0]?.authorization?.slice('Bearer '.length) ?? '';
  expect(JSON.stringify(pair.app.lines)).not.toContain(token.slice(0, 10));
  expect(pair.app.lines.map(({ msg }) => msg)).toContain('asked about a person');
});

describe('the roles that it gives', () => {
  test.each([
    ['replace those in the claims', { roles: ['editor', 'editor', 'a b'] }, ['editor', 'a b']],
    ['may be none at all', { roles: [] }, []],
    ['are those in the claims where it gives none', { member: 1 }, ['admin', 'member']],
    ['are those in the claims where it returns nothing', undefined, ['admin', 'member']],
    ['are those in the claims where it returns undefined', { roles: undefined }, ['admin', 'member']],
  ])('%s', async (_what, given, roles) => {
    hook.now(() => given);
    const { browser } = await pair.signIn('alice', '/who');
    expect((await whoIs(browser, who())).roles).toEqual(roles);
    expect((await browser.get(pair.app.url('/admin-only'))).status).toBe(roles.includes('admin') ? 200 : 403);
  });

  test('and the claims are not changed by what it writes into them', async () => {
    hook.now(({ claims, roles }) => {
      Object.assign(claims, { name: 'Mallory' });
      (claims.roles as string[]).push('owner');
      (roles as string[]).push('owner');
    });
    const { browser } = await pair.signIn('bob', '/who');
    const { roles, claims } = await whoIs(browser, who());
    expect([roles, claims.roles, claims.name]).toEqual([['member'], ['member'], 'Bob Baker']);
  });
});

test('it may hand on whatever roles the claims hold, however many and long, with one of its own', () => {
  const distinguished = `CN=${'a-long-name-of-a-group,'.repeat(12)}DC=example`;
  const roles = [
    distinguished,
    ...Array.from({ length: 1_500 }, (_, index) => `group ${index}`),
    ...Array(9).fill('twice'),
  ];
  const profile = { ...plain, idToken: { ...plain.idToken, roles } };
  const routes = { site: { signIn: hook.signIn }, mount: mountWho };
  return withPair({ op: { profile }, routes }, async ({ app, browser }) => {
    hook.now((at) => ({ roles: [...at.roles, 'editor'] }));
    const given = await whoIs(browser, app.url('/who'));
    expect(given.roles).toEqual([...new Set(roles), 'editor']);
  });
});

test.each([
  [{ id: 7, plan: 'free', tags: ['a', null], deep: { yes: true, '': 0.5 } }],
  ['a text'],
  [null],
  [false],
  [0],
  [[1, [2]]],
])('the member is the same on each page as it was given: %j', async (member) => {
  hook.now(async () => ({ member }));
  const { page, browser } = await pair.signIn('bob', '/who');
  expect(JSON.parse(page.body).member).toEqual(member);
  expect((await whoIs(browser, who())).member).toEqual(member);
});

test('a member leaves out what is undefined, and takes a record without a prototype', async () => {
  hook.now(() => ({ member: { id: 7, none: undefined, row: Object.assign(Object.create(null), { a: 1 }) } }));
  const { browser } = await pair.signIn('bob', '/who');
  expect((await whoIs(browser, who())).member).toEqual({ id: 7, row: { a: 1 } });
});

const circle: Record<string, unknown> = {};
circle.self = circle;
const deep = JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`);
const own = () => {
  throw new Error('the database is away');
};

describe('lets nobody in', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A 503 page, nobody signed in, one event, one line with the cause and a hint; and the next sign-in works. */
  async function expectClosed(does: () => unknown, cause: RegExp): Promise<void> {
    const { app } = pair;
    const counted = [app.events('sign_in.failed').length, app.events('sign_in.succeeded').length];
    const from = app.lines.length;
    hook.now(does);
    const { page, browser } = await pair.signIn('bob', '/who');
    expect([page.status, page.headers.get('retry-after')]).toEqual([503, '5']);
    expect(browser.cookie('session')).toBeUndefined();
    expect(app.events('sign_in.failed').slice(counted[0])).toMatchObject([
      { reason: 'admission_failed', sub: 'bob', hint: expect.stringContaining('site.ts') },
    ]);
    expect(app.events('sign_in.succeeded')).toHaveLength(counted[1] ?? 0);
    expect(JSON.stringify(app.lines.slice(from).filter(atLeast('error')))).toMatch(cause);
    expect(page.body).not.toMatch(/database|JSON|site\.ts/);
    hook.now(() => undefined);
    expect((await pair.signIn('bob', '/who', browser)).page.status).toBe(200);
  }

  test.each([
    ['throws', own, /the database is away/],
    ['rejects', async () => own(), /the database is away/],
    ['throws no error', () => Promise.reject('a text'), /a text|admission_failed/],
    [
      'throws what a page may throw',
      () => Promise.reject(Object.assign(new Error('x'), { status: 200 })),
      /x/,
    ],
    ['returns null', () => null, /must return an object/],
    ['returns a text', () => 'admin', /must return an object/],
    ['returns true', () => true, /must return an object/],
    ['returns a list', () => ['admin'], /must return an object/],
    ['returns what nobody knows', () => ({ rolse: [] }), /rolse.*only .roles. and .member. are known/],
    ['gives roles as a text', () => ({ roles: 'admin' }), /list of at most/],
    ['gives null as roles', () => ({ roles: null }), /list of at most/],
    ['gives a role without a name', () => ({ roles: [''] }), /list of at most/],
    ['gives a role that is not a string', () => ({ roles: ['a', 7] }), /list of at most/],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tried
    ['gives a list of roles with a hole', () => ({ roles: ['a', , 'b'] }), /list of at most/],
    ['gives a role of 201 characters', () => ({ roles: ['x'.repeat(201)] }), /list of at most/],
    ['gives a million roles', () => ({ roles: Array(1e6).fill('x') }), /list of at most/],
    ['gives a Date', () => ({ member: { at: new Date(0) } }), /`member\.at` is not JSON/],
    ['gives a Map', () => ({ member: new Map() }), /`member` is not JSON/],
    ['gives a BigInt', () => ({ member: { id: 7n } }), /BigInt/],
    ['gives a function', () => ({ member: () => 1 }), /`member` is not JSON/],
    ['gives a symbol', () => ({ member: { a: Symbol('x') } }), /`member\.a` is not JSON/],
    ['forgets to wait', () => ({ member: Promise.resolve({ id: 7 }) }), /`member` is not JSON/],
    ['gives NaN', () => ({ member: [1, Number.NaN] }), /`member\[1\]` is not JSON/],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tried
    ['gives a list with a hole', () => ({ member: [1, , 2] }), /`member\[1\]` is not JSON/],
    ['gives a circle', () => ({ member: circle }), /circular/i],
    ['gives 5 KB', () => ({ member: 'x'.repeat(5_000) }), /larger than 4 KB/],
    ['gives 5 KB of two bytes each', () => ({ member: 'ä'.repeat(2_100) }), /larger than 4 KB/],
    [
      'fails while it is read',
      () => Object.defineProperty({}, 'roles', { enumerable: true, get: own }),
      /away/,
    ],
  ])('where it %s', (_what, does, cause) => expectClosed(does, cause));

  test('but what is deep and small is kept', async () => {
    hook.now(() => ({ member: deep }));
    expect((await pair.signIn('bob', '/who')).page.status).toBe(200);
  });

  test('where it never answers: after five seconds, and what it says later counts for nothing', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const late = Promise.withResolvers<unknown>();
    const closed = expectClosed(() => {
      queueMicrotask(() => vi.advanceTimersByTime(5_000));
      return late.promise;
    }, /more than 5 seconds/);
    await closed;
    const succeeded = pair.app.events('sign_in.succeeded').length;
    late.reject(new Error('the late answer'));
    await new Promise(setImmediate);
    expect(pair.app.events('sign_in.succeeded')).toHaveLength(succeeded);
    expect(JSON.stringify(pair.app.lines)).not.toContain('the late answer');
  });

  test('but whoever it answers just in time is in', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    hook.now(
      () =>
        new Promise((resolve) => {
          setTimeout(resolve, 4_999, { roles: ['slow'] });
          queueMicrotask(() => vi.advanceTimersByTime(4_999));
        }),
    );
    expect(JSON.parse((await pair.signIn('bob', '/who')).page.body).roles).toEqual(['slow']);
  });
});

test('of two tabs of one new person at once both are asked about, and both land', async () => {
  const both = Promise.withResolvers<void>();
  hook.now(async () => {
    if (hook.asked.length === 2) both.resolve();
    await both.promise;
    return { roles: ['new'] };
  });
  const browser = createBrowser();
  const callbacks: string[] = [];
  for (const tab of ['1', '2']) {
    const sent = await browser.get(pair.app.url(`/who?tab=${tab}`), { follow: false });
    callbacks.push(await pair.provider.signIn(browser, sent.location ?? '', 'bob'));
  }
  const pages = await Promise.all(callbacks.map((url) => browser.get(url)));
  expect(pages.map(({ status, url }) => [status, new URL(url).search])).toEqual([
    [200, '?tab=1'],
    [200, '?tab=2'],
  ]);
  expect(hook.asked.map(({ sub }) => sub)).toEqual(['bob', 'bob']);
});

test('an answer that comes twice is asked about once: the second waits for what becomes of the first (R3)', async () => {
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  hook.now(async () => {
    reached.resolve();
    await goOn.promise;
  });
  const browser = createBrowser();
  const sent = await browser.get(pair.app.url('/who'), { follow: false });
  const callback = await pair.provider.signIn(browser, sent.location ?? '', 'bob');
  const first = browser.get(callback);
  await reached.promise;
  const second = browser.get(callback);
  const early = await Promise.race([second, new Promise((resolve) => setTimeout(resolve, 200, 'waits'))]);
  expect(early).toBe('waits');
  goOn.resolve();
  expect((await Promise.all([first, second])).map(({ status }) => status)).toEqual([200, 200]);
  expect(hook.asked).toHaveLength(1);
});

test('it is asked only about what has passed all checks', () =>
  withPair({ op: { profile: plain }, routes: { site: { signIn: hook.signIn } } }, async ({ op, open }) => {
    hook.now(() => {
      throw refuse();
    });
    op.next({ sign: 'none' as never, idToken: { nonce: 'another' } });
    const page = await open('/profile');
    expect([page.status, headingOf(page)]).not.toEqual([403, "You can't use this app"]);
    expect(hook.asked).toEqual([]);
  }));
