import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Browser, createBrowser, markOn, type Page } from './helpers/browser.ts';
import {
  createGate,
  type Instances,
  recordsIn,
  startInstances,
  statusOf,
  textOf,
} from './helpers/instances.ts';
import { headingOf } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

// R15: the provider's token endpoint is held up, so that the sign-in at one instance is under way while its sessions
// are ended at the other.
describeWithRedis('a sign-in that finishes while its sessions are being ended does not survive', () => {
  let all: Instances;
  const tokenEndpoint = createGate();
  /** False: whoever comes now passes the gate, while another still waits at it. */
  let holding = true;

  beforeAll(async () => {
    all = await startInstances({
      overrides: { extraTokenClaims: async () => void (holding && (await tokenEndpoint.pass())) },
    });
  });
  afterAll(() => all?.stop());

  /** Signs in up to the token endpoint, has `ending` happen, and lets the sign-in finish. */
  async function signInDuring(ending: () => Promise<unknown>, browser = createBrowser()): Promise<Page> {
    const sentOff = await browser.get(all.two.url('/auth/login?returnTo=/profile&renew=1'), {
      follow: false,
    });
    const callback = await all.provider.signIn(browser, sentOff.location ?? '', 'alice');
    const { arrived } = tokenEndpoint.close();
    const finishing = browser.get(callback.replace(all.one.origin, all.two.origin), { follow: false });
    await arrived;
    await ending();
    tokenEndpoint.open();
    return finishing;
  }

  async function expectNotSignedIn(page: Page, browser: Browser): Promise<void> {
    expect(page.status).toBe(403);
    expect(headingOf(page)).toBe('You were signed out while signing in');
    expect(textOf(page)).toContain('Sign in again');
    for (const app of [all.one, all.two]) expect(await statusOf(browser, app)).toBe(401);
    expect(await recordsIn(all.redis)).toEqual([]);
    expect(all.two.events('sign_in.failed').at(-1)).toMatchObject({ reason: 'ended_meanwhile' });
    // The next one is not held against anybody.
    expect((await all.signIn('alice', all.two)).page.status).toBe(200);
    await all.provider.sendLogoutToken(all.provider.clientId, { sub: 'alice' });
  }

  test('by the provider, all of the user', async () => {
    const browser = createBrowser();
    const page = await signInDuring(async () => {
      const { status } = await all.provider.sendLogoutToken(all.provider.clientId, { sub: 'alice' });
      expect(status).toBe(200);
    }, browser);
    await expectNotSignedIn(page, browser);
  });

  test('by the provider, this very session', async () => {
    const browser = createBrowser();
    const page = await signInDuring(async () => {
      const sid = all.provider.listSessions().at(-1)?.clients[0]?.sid as string;
      const { status } = await all.provider.sendLogoutToken(all.provider.clientId, { sid });
      expect(status).toBe(200);
    }, browser);
    await expectNotSignedIn(page, browser);
  });

  test('by the provider through a frame', async () => {
    const browser = createBrowser();
    const page = await signInDuring(async () => {
      const sid = all.provider.listSessions().at(-1)?.clients[0]?.sid as string;
      const query = new URLSearchParams({ iss: all.provider.issuer, sid });
      const headers = { 'Sec-Fetch-Dest': 'iframe', 'Sec-Fetch-Site': 'cross-site' };
      const frame = await createBrowser().get(all.one.url(`/auth/frontchannel-logout?${query}`), { headers });
      expect(frame.status).toBe(200);
    }, browser);
    await expectNotSignedIn(page, browser);
  });

  test('by the user, from another device', async () => {
    const { browser: other, page: open } = await all.signIn('alice', all.one);
    const browser = createBrowser();
    const page = await signInDuring(async () => {
      const ended = await other.post(all.one.url('/sessions/end-all'), markOn(open), { follow: false });
      expect(ended.status).toBe(200);
    }, browser);
    await expectNotSignedIn(page, browser);
  });

  test('by an operator, everybody', async () => {
    const browser = createBrowser();
    const page = await signInDuring(() => all.two.sessions.endAll('operator'), browser);
    await expectNotSignedIn(page, browser);
  });

  test('nor does one that was to take the place of a session that somebody ends meanwhile', async () => {
    const { browser } = await all.signIn('alice', all.two);
    const id = decodeURIComponent(browser.cookie('session') ?? '')
      .slice(2)
      .split('.')[0] as string;
    const page = await signInDuring(() => all.two.sessions.end(id, 'other-device'), browser);
    await expectNotSignedIn(page, browser);
  });

  /** Another tab of the same browser signs in anew, and takes the place of its session. */
  async function renewIn(browser: Browser): Promise<void> {
    holding = false;
    const sent = await browser.get(all.two.url('/auth/login?returnTo=/profile&renew=1'), { follow: false });
    const callback = await all.provider.signIn(browser, sent.location ?? '', 'alice');
    const page = await browser.get(callback.replace(all.one.origin, all.two.origin), { follow: false });
    holding = true;
    expect(page.status).toBe(303);
  }

  test('nor does one whose session another tab replaced, when somebody then signs out in that tab', async () => {
    const { browser } = await all.signIn('alice', all.two);
    const page = await signInDuring(async () => {
      await renewIn(browser);
      const left = await browser.post(all.two.url('/auth/logout'), {}, { follow: false });
      expect(left.status).toBeLessThan(400);
      expect(browser.cookie('session')).toBeUndefined();
    }, browser);
    await expectNotSignedIn(page, browser);
  });

  test('but that another tab of the browser replaced the session is no ending', async () => {
    const { browser } = await all.signIn('alice', all.two);
    const page = await signInDuring(() => renewIn(browser), browser);
    expect([page.status, page.location]).toEqual([303, all.two.url('/profile')]);
    expect(await statusOf(browser, all.one)).toBe(200);
    await all.provider.sendLogoutToken(all.provider.clientId, { sub: 'alice' });
  });

  test('but it is not held up by endings of somebody else', async () => {
    const browser = createBrowser();
    const page = await signInDuring(async () => {
      await all.provider.sendLogoutToken(all.provider.clientId, { sub: 'bob' });
      await all.provider.sendLogoutToken(all.provider.clientId, { sid: 'another' });
    }, browser);
    expect([page.status, page.location]).toEqual([303, all.two.url('/profile')]);
    expect(await statusOf(browser, all.one)).toBe(200);
  });
});
