import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { definePage } from '../pages/page.ts';
import { endSessions, recheck } from '../session/by-owner.ts';
import { createHook, type Hook, mountWho, whoIs } from './helpers/asked.ts';
import { type Browser, createBrowser, type Page } from './helpers/browser.ts';
import { headingOf } from './helpers/pair.ts';
import { choicesOn, type Name, startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';
import { site } from './site/site.ts';

// Whatever follows a sign-in goes to the provider that it was at, and to no other.

const both = ['work', 'google'] as const;
const other = (name: Name): Name => (name === 'work' ? 'google' : 'work');

let two: TwoProviders;
let hook: Hook;
beforeAll(async () => {
  hook = createHook();
  two = await startTwoProviders({
    env: { SESSION_RECHECK_MINUTES: '10' },
    site: { signIn: hook.signIn, pages: (at) => [...site.pages(at as never), wherePage] },
    mount: mountWho,
  });
});
afterAll(() => two?.stop());

/** Shows where its user signed in. */
const wherePage = definePage({
  path: '/where',
  title: 'Where',
  access: 'signed-in',
  view: 'admin',
  model: ({ user }) => ({ roles: [user.provider] }),
});

/** What each provider is asked from here on, but for what it says to everybody. */
function watch() {
  const from = { work: two.work.requests.length, google: two.google.requests.length };
  return (name: Name) =>
    two[name].requests.slice(from[name]).filter((line) => !/ \/(jwks|\.well-known)/.test(line));
}

const textOf = ({ body }: Page) =>
  (/<main[\s\S]*<\/main>/.exec(body)?.[0] ?? '')
    .replace(/<[^>]+>/g, ' ')
    .replace(/&#39;/g, "'")
    .replace(/\s+/g, ' ');
const escaped = { work: 'Contoso', google: 'Google &lt;Personal&gt;' };

async function later(minutes: number, use: () => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    vi.setSystemTime(Date.now() + minutes * 60_000);
    await use();
  } finally {
    vi.useRealTimers();
  }
}

const pageAt = (browser: Browser, path: string) => browser.get(two.url(path), { follow: false });

test('pages and signIn know the provider', async () => {
  for (const name of both) {
    hook.asked.length = 0;
    const { page } = await two.signIn(name, 'alice', { path: '/where' });
    expect(textOf(page)).toContain(name);
    expect(hook.asked.map(({ provider, reason, iss }) => ({ provider, reason, iss }))).toEqual([
      { provider: name, reason: 'sign-in', iss: two[name].issuer },
    ]);
    // Both give Alice the role admin. One is believed.
    expect(hook.asked[0]?.roles).toEqual(name === 'work' ? ['admin', 'member'] : []);
  }
});

describe.each(both)('somebody who signed in at %s', (name) => {
  test('is refreshed and looked at again there', async () => {
    const { browser } = await two.signIn(name, 'bob', { path: '/who' });
    const asked = watch();
    hook.asked.length = 0;
    await later(11, async () => {
      await whoIs(browser, two.url('/who'));
      expect(asked(name)).toEqual(['POST /token', 'GET /me']);
      expect(asked(other(name))).toEqual([]);
      expect(hook.asked).toMatchObject([{ provider: name, reason: 'recheck' }]);
    });
  });

  test('is looked at again at once where the site says so, by (iss, sub)', async () => {
    const { browser } = await two.signIn(name, 'bob', { path: '/who' });
    const elsewhere = await two.signIn(other(name), 'bob', { path: '/who' });
    await recheck({ iss: two[name].issuer, sub: 'bob' });
    const asked = watch();
    await whoIs(browser, two.url('/who'));
    await whoIs(elsewhere.browser, two.url('/who'));
    expect([asked(name), asked(other(name))]).toEqual([['POST /token', 'GET /me'], []]);
  });

  test('is signed out by the site without the one of that name elsewhere', async () => {
    const { browser } = await two.signIn(name, 'frank', { path: '/who' });
    const elsewhere = await two.signIn(other(name), 'frank', { path: '/who' });
    expect(await endSessions({ iss: two[name].issuer, sub: 'frank' })).toBeGreaterThan(0);
    expect((await pageAt(browser, '/auth/session')).status).toBe(401);
    expect((await pageAt(elsewhere.browser, '/auth/session')).status).toBe(200);
  });

  test('signs out there, with its tokens revoked there, and reads its label', async () => {
    const { browser, page } = await two.signIn(name, 'alice');
    const asked = watch();
    const question = await browser.get(two.url('/auth/logout'));
    expect(question.body).toContain(`of this site and of ${escaped[name]}.`);
    const leaving = await browser.submit(page, {}, { follow: false });
    expect([leaving.status, new URL(leaving.location ?? '').origin]).toEqual([200, two[name].issuer]);
    expect(leaving.body).toContain(`Continue to ${escaped[name]}`);
    const hint = new URL(leaving.location ?? '').searchParams.get('id_token_hint') ?? '';
    const { iss } = JSON.parse(Buffer.from(hint.split('.')[1] ?? '', 'base64url').toString());
    expect(iss).toBe(two[name].issuer);
    expect([asked(name), asked(other(name))]).toEqual([['POST /token/revocation'], []]);

    const back = await browser.get(leaving.location ?? '');
    expect([back.status, headingOf(back)]).toEqual([200, "You've signed out"]);
    expect(back.body).toContain(`Your sign-in at ${escaped[name]}`);
  });

  test('reads why the provider ended the session, with its label, and may sign in again', async () => {
    const { browser } = await two.signIn(name, 'alice');
    await two[name].endUser('alice');
    const page = await browser.get(two.url('/profile'));
    expect(page.url).toBe(two.url('/signed-out?returnTo=%2Fprofile'));
    expect(page.body).toContain(`${escaped[name]} ended your session.`);
    expect(page.body).toContain('href="/auth/login?returnTo=%2Fprofile"');
  });

  test('is asked for a fresh sign-in there', async () => {
    const { browser } = await two.signIn(name, 'ivan');
    await later(5, async () => {
      const sentOff = await browser.get(two.url('/fresh'), { follow: false });
      const asked = new URL(sentOff.location ?? '');
      expect([sentOff.status, asked.origin]).toEqual([302, two[name].issuer]);
      const page = await two.goOn(browser, sentOff, name, 'ivan');
      expect([page.status, page.url]).toEqual([200, two.url('/fresh')]);
    });
  });

  test('finds a way to sign in again there in the notice before the end', async () => {
    const { page } = await two.signIn(name, 'alice');
    expect(page.body).toContain(`href="/auth/login/${name}?returnTo=%2Fprofile&amp;renew=1"`);
  });

  test('sees it on the page that lists their sessions', async () => {
    const { browser } = await two.signIn(name, 'dave');
    await two.signIn(name, 'dave');
    const page = await browser.get(two.url('/sessions'));
    const cards = page.body.match(/<li class="card row">[\s\S]*?<\/li>/g) ?? [];
    expect(cards).toHaveLength(2);
    for (const card of cards) expect(card).toContain(` with ${escaped[name]}`);
  });

  test('may use another account, of any provider, where this one may not see a page', async () => {
    const { browser } = await two.signIn(name, 'bob');
    const page = await browser.get(two.url('/admin-only?x=1'));
    expect(page.status).toBe(403);
    const href = /href="(\/auth\/login\?switch[^"]*)"/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
    expect(href).toBe('/auth/login?switch=yes&returnTo=%2Fadmin-only%3Fx%3D1');
    const chooser = await browser.get(two.url(href));
    expect(
      choicesOn(chooser)
        .map((choice) => choice.name)
        .sort(),
    ).toEqual(['google', 'work']);
    const toWork = choicesOn(chooser).find((choice) => choice.name === 'work')?.href ?? '';
    const sentOff = await browser.get(two.url(toWork), { follow: false });
    const asked = new URL(sentOff.location ?? '');
    expect(asked.origin).toBe(two.work.issuer);
    // Else the provider would let in the same account without a question.
    expect(two.work.requests.at(-1)).toBe('POST /request');
    const back = await two.goOn(browser, sentOff, 'work', 'alice');
    expect([back.status, back.url, back.body]).toEqual([
      200,
      two.url('/admin-only?x=1'),
      'for administrators',
    ]);
  });

  test('who is not let in may sign out there, and only there', async () => {
    hook.now(() => {
      throw refuse('No.');
    });
    try {
      const { browser, page } = await two.signIn(name, 'alice');
      expect([page.status, textOf(page)]).toEqual([403, expect.stringContaining('No.')]);
      expect(page.body).toContain(`Sign out of ${escaped[name]}`);
      expect(page.body).toContain('href="/auth/login?switch=yes&amp;returnTo=%2Fprofile"');
      const leaving = await browser.submit(page, {}, { follow: false });
      expect(new URL(leaving.location ?? '').origin).toBe(two[name].issuer);
      expect(leaving.body).toContain(`Continue to ${escaped[name]}`);
    } finally {
      hook.now(() => undefined);
    }
  });
});

test.each([
  'nobody',
  'default',
  '',
  'Work',
  '__proto__',
  'https://evil.example',
  '<script>',
  'w'.repeat(500),
])('a sign-out at a provider that there is not leads nowhere: %j', async (provider) => {
  const page = await createBrowser().post(
    two.url('/auth/logout'),
    { at: 'provider', provider },
    { follow: false },
  );
  expect([page.status, page.location]).toEqual([303, two.url('/signed-out')]);
});

test('the same person at two providers is two users', async () => {
  const subs = await Promise.all(
    both.map(async (name) => {
      const { browser } = await two.signIn(name, 'alice');
      return JSON.parse((await pageAt(browser, '/auth/session')).body).user;
    }),
  );
  expect(subs.map(({ sub }) => sub)).toEqual(['alice', 'alice']);
  const { browser } = await two.signIn('google', 'grace');
  await two.signIn('work', 'grace');
  const list = await browser.get(two.url('/sessions'));
  expect(list.body.match(/<li class="card row">/g)).toHaveLength(1);
});
