import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { headingOf } from './helpers/pair.ts';
import { startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// What providers send by themselves is distinguished by its issuer.

let two: TwoProviders;
beforeAll(async () => {
  two = await startTwoProviders();
});
afterAll(() => two?.stop());

const both = ['work', 'google'] as const;
const statusOf = async (browser: Browser) => (await browser.get(two.url('/auth/session'))).status;
const sidOf = async (name: 'work' | 'google') => {
  const sessions = await two.app.sessions.list({ iss: two[name].issuer, sub: 'bob' });
  return sessions[0]?.data.user?.sid ?? '';
};

describe.each(both)('%s', (name) => {
  const other = name === 'work' ? 'google' : 'work';

  test('ends the sessions of its users by the back channel, and no others', async () => {
    const { browser } = await two.signIn(name, 'alice');
    const elsewhere = await two.signIn(other, 'alice');
    await two[name].endUser('alice');
    expect([await statusOf(browser), await statusOf(elsewhere.browser)]).toEqual([401, 200]);
  });

  test('ends a session in a frame by its iss and sid, and no other', async () => {
    const { browser } = await two.signIn(name, 'bob');
    const sid = await sidOf(name);
    expect(sid).not.toBe('');
    const frame = (iss: string) =>
      createBrowser({ headers: { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' } }).get(
        two.url(`/auth/frontchannel-logout?${new URLSearchParams({ iss, sid })}`),
      );
    const wrong = await frame(two[other].issuer);
    expect([wrong.status, await statusOf(browser)]).toEqual([200, 200]);
    const right = await frame(two[name].issuer);
    expect([right.status, await statusOf(browser)]).toEqual([200, 401]);
  });

  test('may frame that page', async () => {
    const page = await createBrowser().get(two.url('/auth/frontchannel-logout'));
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(/frame-ancestors ([^;]+)/.exec(policy)?.[1]?.split(' ')).toEqual(
      expect.arrayContaining([two.work.issuer, two.google.issuer]),
    );
    expect(page.headers.get('x-frame-options')).toBeNull();
  });

  test('may have a sign-in begun at itself, after a question that names it', async () => {
    const browser = createBrowser();
    const query = new URLSearchParams({ iss: two[name].issuer, target_link_uri: two.url('/bookings') });
    const question = await browser.get(two.url(`/auth/initiate-login?${query}`));
    expect([question.status, headingOf(question)]).toEqual([200, 'Continue to sign in?']);
    expect(question.body).toContain(
      `take you to ${{ work: 'Contoso', google: 'Google &lt;Personal&gt;' }[name]} to sign in, then`,
    );
    const sentOff = await browser.submit(question, {}, { follow: false });
    expect([sentOff.status, new URL(sentOff.location ?? '').origin]).toEqual([200, two[name].issuer]);
    const page = await two.goOn(browser, sentOff, name, 'alice');
    expect([page.status, page.url]).toEqual([200, two.url('/bookings')]);
    // It is what this browser has used last.
    expect(browser.cookie('provider')).toBe(name);
  });
});

test.each([
  ['nobody', 'https://evil.example'],
  ['both', undefined],
])('a sign-in that somebody else begins at %s is refused', async (_whom, iss) => {
  const query = iss
    ? new URLSearchParams({ iss })
    : new URLSearchParams([
        ['iss', two.work.issuer],
        ['iss', two.google.issuer],
      ]);
  const page = await createBrowser().get(two.url(`/auth/initiate-login?${query}`));
  expect([page.status, headingOf(page)]).toEqual([400, "We don't know that sign-in service"]);
});

test('with a sid alone nobody could say whose session is meant', async () => {
  const { browser } = await two.signIn('work', 'bob');
  const headers = { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' };
  const sid = await sidOf('work');
  const page = await createBrowser({ headers }).get(two.url(`/auth/frontchannel-logout?sid=${sid}`));
  expect([page.status, await statusOf(browser)]).toEqual([400, 200]);
});
