import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { reasons } from './helpers/misbehaving-sign-in.ts';

// Mix-up (RFC 9700 §4.4): of two providers, one lies, to get what is for the other. The app has the same client id at
// both, the honest one takes whatever redirect_uri of the app's, and the liar promises no iss: no help comes from there.
// An honest provider that neither names itself in its answers (RFC 9207) nor compares redirect_uri could not be helped.

let two: TwoLiars;
beforeAll(async () => {
  const metadata = { authorization_response_iss_parameter_supported: undefined };
  const silent = { ...plain, metadata, idToken: { ...plain.idToken, name: 'Ada elsewhere' }, answer: {} };
  two = await startTwoLiars({
    work: { anyRedirect: true },
    social: { anyRedirect: true, profile: silent },
  });
});
afterAll(() => two?.stop());
afterEach(() => two.reset());

const lastReason = () => reasons(two.app).at(-1);
const loginCookies = ({ cookies }: ReturnType<typeof createBrowser>) =>
  cookies.filter(({ name }) => name.startsWith('login-'));

/** Nobody got the code, nobody is signed in. */
async function expectNothingCame(browser: ReturnType<typeof createBrowser>): Promise<void> {
  expect([two.work.calls.token, two.social.calls.token]).toEqual([0, 0]);
  expect((await two.open(browser, '/anyone')).body).toBe('{"roles":null}');
}

describe('an answer', () => {
  test.each([
    ['social', '/auth/callback/work'],
    ['work', '/auth/callback/social'],
    ['work', '/auth/callback'],
    ['social', '/auth/callback'],
    ['work', '/auth/callback/social/'],
    ['work', '/AUTH/Callback/social'],
  ] as const)('of %s at %s is refused, and that sign-in is over', async (name, path) => {
    const browser = createBrowser();
    const begun = await two.begin(browser, name);
    const right = await begun.answer();
    const page = await browser.get(two.app.url(path + right.search));
    expect([page.status, lastReason()]).toEqual([400, 'issuer_mismatch']);
    await expectNothingCame(browser);
    expect(loginCookies(browser)).toEqual([]);
    const later = await browser.get(right.href);
    expect([later.status, lastReason()]).toEqual([400, 'state_unknown']);
    await expectNothingCame(browser);
  });

  test.each(['error=access_denied', 'error=server_error'])(
    'that says %s is refused at another address just as well',
    async (error) => {
      const browser = createBrowser();
      const { request } = await two.begin(browser, 'work');
      const query = `?${error}&state=${request.get('state')}&iss=${two.work.issuer}`;
      await browser.get(two.app.url(`/auth/callback/social${query}`));
      expect(lastReason()).toBe('issuer_mismatch');
    },
  );

  test('at the address of no provider is at no address, and the sign-in goes on', async () => {
    const browser = createBrowser();
    const right = await (await two.begin(browser, 'work')).answer();
    for (const name of ['google', 'toString', '__proto__', 'constructor', 'WORK', 'work%2F', 'work%00']) {
      expect((await browser.get(two.app.url(`/auth/callback/${name}${right.search}`))).status, name).toBe(
        404,
      );
    }
    await expectNothingCame(browser);
    expect((await browser.get(right.href)).body).toContain('Ada at work');
  });

  test.each(['work', 'social'] as const)('of %s that names the other one is refused', async (name) => {
    const other = name === 'work' ? two.social : two.work;
    two[name].next({ answer: { iss: other.issuer } });
    const browser = createBrowser();
    await two.open(browser, `/auth/login/${name}?returnTo=/who`);
    expect(lastReason()).toBe('issuer_mismatch');
    await expectNothingCame(browser);
  });

  test('that names nobody, as its provider promised, is refused', async () => {
    two.work.next({ answer: { iss: undefined } });
    const browser = createBrowser();
    await two.open(browser, '/auth/login/work?returnTo=/who');
    expect(lastReason()).toBe('issuer_mismatch');
    await expectNothingCame(browser);
  });
});

describe('a browser that the liar sends on to the honest provider', () => {
  const addresses = ['/auth/callback/social', '/auth/callback/work', '/auth/callback', '/who', '/'];

  test.each(addresses)('with %s as its redirect_uri brings the code to nobody', async (path) => {
    sendOn({ redirect_uri: two.app.url(path) });
    const browser = createBrowser();
    await two.open(browser, '/auth/login/social?returnTo=/who', {
      follow: (url) => !url.includes('/login/'),
    });
    expect(two.work.calls.authorization, 'the honest one has made a code').toBe(1);
    expectNothingReached();
    await expectNothingCame(browser);
  });

  test('with the state of a sign-in at the honest one, in the same browser, signs in there and tells the liar nothing', async () => {
    const browser = createBrowser();
    const { request } = await two.begin(browser, 'work');
    sendOn(Object.fromEntries(request));
    const page = await two.open(browser, '/auth/login/social?returnTo=/who');
    expect(page.body).toContain('Ada at work');
    expectNothingReached();
  });

  test("with the state of somebody else's sign-in brings the code to nobody", async () => {
    const { request } = await two.begin(createBrowser(), 'work');
    sendOn(Object.fromEntries(request));
    const browser = createBrowser();
    const page = await two.open(browser, '/auth/login/social?returnTo=/who');
    expect([page.status, lastReason()]).toEqual([400, 'state_unknown']);
    expectNothingReached();
    await expectNothingCame(browser);
  });

  /** The liar answers each start with a start at the honest one, whose request is the same but for this. */
  function sendOn(changes: Record<string, string>): void {
    two.social.takeOver('authorization', (_, params) => ({
      status: 303,
      headers: {
        location: `${two.work.origin}/authorize?${new URLSearchParams({ ...Object.fromEntries(params), ...changes })}`,
      },
    }));
  }

  /** Of all that the liar's server received, nothing is the honest one's, nor of any use with it. */
  function expectNothingReached(): void {
    const received = two.social.received.join('\n');
    for (const secret of two.work.secrets) expect(received).not.toContain(secret);
    expect(received).not.toMatch(/code_verifier|[?&]code=/);
    expect(two.social.calls).toMatchObject({ token: 0, userinfo: 0, revocation: 0 });
  }
});

describe('two sign-ins in one browser', () => {
  test('are each finished by their own answer, in whatever order', async () => {
    const browser = createBrowser();
    const [first, second] = [await two.begin(browser, 'work'), await two.begin(browser, 'social')];
    expect((await browser.get((await second.answer()).href)).body).toContain('Ada elsewhere');
    expect((await browser.get((await first.answer()).href)).body).toContain('Ada at work');
  });

  test('with their codes exchanged are both refused', async () => {
    const browser = createBrowser();
    const ours = await (await two.begin(browser, 'work')).answer();
    const theirs = await (await two.begin(browser, 'social')).answer();
    const swap = ours.searchParams.get('code') ?? '';
    ours.searchParams.set('code', theirs.searchParams.get('code') ?? '');
    theirs.searchParams.set('code', swap);
    for (const each of [ours, theirs]) expect((await browser.get(each.href)).status).not.toBe(200);
    expect((await two.open(browser, '/anyone')).body).toBe('{"roles":null}');
  });

  test.each(['work', 'social'] as const)(
    'with the state of the other in the answer of %s are refused',
    async (name) => {
      const other = name === 'work' ? 'social' : 'work';
      const browser = createBrowser();
      const own = await (await two.begin(browser, name)).answer();
      const { request } = await two.begin(browser, other);
      own.searchParams.set('state', request.get('state') ?? '');
      await browser.get(own.href);
      expect(lastReason()).toBe('issuer_mismatch');
      await expectNothingCame(browser);
    },
  );

  test('with their cookies exchanged are both refused', async () => {
    const browser = createBrowser();
    const answers = [await (await two.begin(browser, 'work')).answer()];
    answers.push(await (await two.begin(browser, 'social')).answer());
    const [one, other] = loginCookies(browser);
    if (!one || !other) throw new Error('there are no two login cookies');
    [one.value, other.value] = [other.value, one.value];
    for (const answer of answers) {
      expect((await browser.get(answer.href)).status).toBe(400);
      expect(lastReason()).toBe('state_unknown');
    }
    await expectNothingCame(browser);
  });
});

test('a login cookie in another browser opens what was answered already no second time', async () => {
  const browser = createBrowser();
  const answer = await (await two.begin(browser, 'work')).answer();
  const thief = createBrowser();
  for (const { name, value } of loginCookies(browser))
    thief.setCookie(two.app.origin, `${name}=${value}; Path=/`);
  await browser.get(answer.href);
  expect(two.work.calls.token).toBe(1);
  await thief.get(answer.href);
  expect(two.work.calls.token).toBe(1);
  expect((await two.open(thief, '/anyone')).body).toBe('{"roles":null}');
});

test('an answer without the cookie of its sign-in signs nobody in, as whomever (login CSRF)', async () => {
  for (const name of ['work', 'social'] as const) {
    const answer = await (await two.begin(createBrowser(), name)).answer();
    const victim = createBrowser();
    const page = await victim.get(answer.href, { headers: { 'Sec-Fetch-Site': 'none' } });
    expect([page.status, lastReason()]).toEqual([400, 'state_unknown']);
    await expectNothingCame(victim);
  }
});
