import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { createHook, mountWho, whoIs } from './helpers/asked.ts';
import { createBrowser, type Page } from './helpers/browser.ts';
import { startHttpsPair } from './helpers/https-front.ts';
import { pressIn, recordsIn, startInstances, textOf } from './helpers/instances.ts';
import { google, keycloak } from './helpers/misbehaving-profiles.ts';
import { type Pair as Misbehaving, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { describeWithRedis, until } from './helpers/redis-server.ts';

// Somebody whom `signIn` in site.ts refuses at a sign-in: a page with its words, and no session.

const hook = createHook();
const refuses = (why?: string) =>
  hook.now(() => {
    throw refuse(why);
  });
const routes = { site: { signIn: hook.signIn }, mount: mountWho };

beforeEach(() => {
  hook.asked.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const buttons = (page: Page) =>
  [...page.body.matchAll(/<button[^>]*>([^<]+)</g)].map((match) => match[1]?.trim());

describe('whoever is refused', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({ parts: { signIn: hook.signIn }, routes: { mount: mountWho } });
  });
  afterAll(() => pair?.stop());

  test('reads the words of the refusal, escaped, and is signed in nowhere', async () => {
    refuses('Ask <b>"Nora"</b> & co. for access.');
    const { page, browser } = await pair.signIn('bob', '/who');
    expect([page.status, headingOf(page)]).toEqual([403, "You can't use this app"]);
    expect(page.body).toContain('Ask &lt;b&gt;&quot;Nora&quot;&lt;/b&gt; &amp; co. for access.');
    expect(textOf(page)).toContain('Bob Baker');
    expect(browser.cookies.map(({ name }) => name)).not.toContain('session');
    expect(browser.setCookies.filter(({ line }) => /^session=[^;]/.test(line))).toEqual([]);
    expect((await browser.get(pair.app.url('/anyone'))).body).toBe('{"roles":null}');
    expect(pair.app.events('sign_in.failed')).toMatchObject([
      { reason: 'not_admitted', iss: pair.provider.issuer, sub: 'bob' },
    ]);
    expect(pair.app.events('sign_in.succeeded')).toEqual([]);
  });

  test('reads words of ours where it has none', async () => {
    refuses();
    expect(textOf((await pair.signIn('bob', '/who')).page)).toContain(
      "Your account isn't allowed to use this app.",
    );
  });

  test('takes no refresh token along', async () => {
    refuses();
    const before = pair.provider.requests.filter((line) => line === 'POST /token/revocation').length;
    await pair.signIn('bob', '/who');
    await until(
      () => pair.provider.requests.filter((line) => line === 'POST /token/revocation').length === before + 1,
    );
  });

  test('may come in with another account, and lands on the page that was asked for', async () => {
    hook.now(({ sub }) => {
      if (sub === 'bob') throw refuse();
    });
    const { page, browser } = await pair.signIn('bob', '/who?x=1');
    expect(buttons(page)[0]).toBe('Use another account');
    const follow = (url: string) => url.startsWith(pair.app.origin);
    const sent = await pressIn(browser, page, '/auth/initiate-login', { follow });
    const landed = await browser.get(await pair.provider.signIn(browser, sent.location ?? '', 'alice'));
    expect([landed.status, landed.url]).toEqual([200, pair.app.url('/who?x=1')]);
  });

  test('may sign out at the provider, and reads what came of it', async () => {
    refuses();
    const { page, browser } = await pair.signIn('bob', '/who');
    const { host } = new URL(pair.provider.issuer);
    expect(buttons(page)).toContain(`Sign out of ${host}`);
    const asked = await pressIn(browser, page, '/auth/logout');
    expect(asked.url).toMatch(`${pair.provider.issuer}/session/end`);
    const back = await browser.submit(asked, { logout: 'yes' });
    expect([new URL(back.url).pathname, back.status]).toEqual(['/signed-out', 200]);
    expect(textOf(back)).toMatch(/Your sign-in at \S+ ?:? ?Ended/);
    // It no longer knows them: the next sign-in begins with its own page.
    hook.now(() => undefined);
    const again = await browser.get(pair.app.url('/who'));
    expect(again.url).toMatch(`${pair.provider.issuer}/interaction/`);
  });

  test('is each a person of their own, where the site throws one error for all', async () => {
    const one = refuse('No.');
    const [both, reached] = [Promise.withResolvers<void>(), { count: 0 }];
    hook.now(async () => {
      if (++reached.count === 2) both.resolve();
      await both.promise;
      throw one;
    });
    const pages = await Promise.all(['alice', 'bob'].map((account) => pair.signIn(account, '/who')));
    const texts = pages.map(({ page }) => textOf(page));
    expect(texts[0]).toContain('Alice Adams');
    expect(texts[1]).toContain('Bob Baker');
  });
});

test('whoever is refused by a form of the provider, which brings no session cookie, is asked about again too', async () => {
  hook.now(() => undefined);
  const pair = await startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post' }, { signIn: hook.signIn });
  try {
    const browser = createBrowser({ ca: pair.ca });
    const signIn = async (path: string) => {
      const { location = '' } = await browser.get(pair.url(path), { follow: false });
      const { url, form = {} } = await pair.provider.answer(browser, location, 'alice');
      return browser.post(url, form, {}, pair.provider.issuer);
    };
    expect((await signIn('/profile')).status).toBe(200);
    refuses('No more.');
    expect((await signIn('/auth/login?returnTo=/profile&renew=1')).status).toBe(403);
    expect(hook.asked.at(-1)?.reason).toBe('sign-in');
    expect((await browser.get(pair.url('/profile'))).status).toBe(403);
    expect(hook.asked.at(-1)?.reason).toBe('recheck');
    expect(pair.app.events('session.ended')).toMatchObject([{ reason: 'not_admitted' }]);
  } finally {
    await pair.stop();
  }
});

test('a page that refuses offers the same, stays signed in, and tells nobody about another, though it throws one error', async () => {
  const no = refuse('Members of the board only.');
  const pair = await startPair({
    routes: {
      mount: (app) =>
        app.get('/board/:id', requireAuth(), () => {
          throw no;
        }),
    },
  });
  try {
    const alice = await pair.signIn('alice', '/board/of-alice');
    const bob = await pair.signIn('bob', '/board/of-bob');
    for (const [{ page, browser }, own, other] of [
      [alice, 'alice', 'bob'],
      [bob, 'bob', 'alice'],
    ] as const) {
      expect(page.status).toBe(403);
      expect(textOf(page)).toMatch(/Members of the board only\..*Use another account.*Sign out of/);
      expect(page.body).toContain(`/board/of-${own}`);
      expect(page.body.toLowerCase()).not.toContain(other);
      expect((await browser.get(pair.app.url('/auth/session'))).status).toBe(200);
    }
    expect(pair.app.events('sign_in.failed')).toEqual([]);
  } finally {
    await pair.stop();
  }
});

describe('whoever is refused while they are signed in here', () => {
  const stepUp = async ({ open }: Misbehaving) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    hook.now(() => ({ roles: ['admin'] }));
    expect((await open('/who')).status).toBe(200);
    vi.setSystemTime(Date.now() + 120_000);
  };

  test('by a step-up has no stronger session, and the session is asked about at its next request', () =>
    withPair({ routes }, async (pair) => {
      await stepUp(pair);
      const before = pair.browser.cookie('session');
      refuses('No more.');
      const page = await pair.open('/fresh');
      expect([page.status, headingOf(page)]).toEqual([403, "You can't use this app"]);
      expect(pair.browser.cookie('session')).toBe(before);
      expect(hook.asked.at(-1)?.reason).toBe('sign-in');
      // Refused then too: out.
      expect((await pair.open('/who')).status).toBe(403);
      expect(hook.asked.at(-1)?.reason).toBe('recheck');
      expect(pair.app.events('session.ended')).toMatchObject([{ reason: 'not_admitted' }]);
      expect(pair.browser.cookie('session')).toBeUndefined();
    }));

  test('by a step-up stays as they were where the recheck lets them', () =>
    withPair({ routes }, async (pair) => {
      await stepUp(pair);
      hook.now(({ reason }) => {
        if (reason === 'sign-in') throw refuse('No new sign-ins tonight.');
        return { roles: ['guest'] };
      });
      expect((await pair.open('/fresh')).status).toBe(403);
      const who = await whoIs(pair.browser, pair.app.url('/who'));
      expect(who.roles).toEqual(['guest']);
      // Not fresher by what was refused: the next one is asked again.
      const asked = pair.op.calls.authorization;
      await pair.open('/fresh');
      expect(pair.op.calls.authorization).toBe(asked + 1);
    }));

  test('as somebody else stays who they were, without being asked about again', () =>
    withPair({ routes }, async ({ op, browser, app, open }) => {
      hook.now(({ sub }) => {
        if (sub === 'user-2') throw refuse();
      });
      await open('/who');
      op.next({ idToken: { sub: 'user-2' }, userinfo: { json: { sub: 'user-2' } } });
      const page = await open('/auth/login?returnTo=/who&renew=1');
      expect(page.status).toBe(403);
      const asked = hook.asked.length;
      expect((await whoIs(browser, app.url('/who'))).claims.sub).toBe('user-1');
      expect(hook.asked).toHaveLength(asked);
    }));
});

test('at a provider without a sign-out there is no button for it', () =>
  withPair(
    { op: { profile: google }, env: { OIDC_SCOPE: 'openid profile email' }, routes },
    async ({ open }) => {
      refuses();
      const page = await open('/profile');
      expect(page.status).toBe(403);
      expect(page.body).not.toContain('Sign out of');
    },
  ));

test('at Keycloak nothing is revoked: that would end the session at the provider too', () =>
  withPair({ op: { profile: keycloak }, routes }, async ({ op, open }) => {
    refuses();
    expect((await open('/profile')).status).toBe(403);
    hook.now(() => undefined);
    await open('/profile');
    expect(op.calls.revocation).toBe(0);
  }));

test('a revocation that fails changes nothing for the person, and is logged', () =>
  withPair({ routes }, async ({ op, app, open }) => {
    refuses('Not you.');
    op.next({ revocation: { status: 500 } });
    const page = await open('/profile');
    expect(textOf(page)).toContain('Not you.');
    await until(() => app.lines.some(({ msg }) => /could not be revoked/.test(msg)));
  }));

describeWithRedis('over two instances', () => {
  test('whoever is refused leaves nothing in Redis: no session, no tokens, no entry', async () => {
    refuses();
    const instances = await startInstances({ routes: { site: { signIn: hook.signIn } } });
    try {
      const browser = createBrowser();
      const { two } = instances;
      const sent = await browser.get(two.url('/auth/login?returnTo=/profile'), { follow: false });
      const callback = await instances.provider.signIn(browser, sent.location ?? '', 'bob');
      const page = await browser.get(callback.replace(instances.one.origin, two.origin));
      expect([page.status, headingOf(page)]).toEqual([403, "You can't use this app"]);
      expect(await recordsIn(instances.redis)).toEqual([]);
    } finally {
      await instances.stop();
    }
  }, 60_000);
});
