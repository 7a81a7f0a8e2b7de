import express from 'express';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { getUser } from '../session/user-session.ts';
import { createNamer } from '../store/index.ts';
import { freePort } from '../testing/processes.ts';
import { startApp, type TestApp } from './helpers/app.ts';
import { type Browser, createBrowser, markOn, type Page } from './helpers/browser.ts';
import { clientId, clientSecret } from './helpers/identity-provider.ts';
import { pressIn, statusOf, textOf } from './helpers/instances.ts';
import { headingOf, type Pair, requestIdOn, startPair } from './helpers/pair.ts';

// A form and a script of a page act only for the person the page was printed for.

let pair: Pair;
let app: TestApp;
let changes = 0;

beforeAll(async () => {
  pair = await startPair({
    routes: {
      mount(app) {
        const change: express.RequestHandler = (req, res) => {
          changes++;
          res.json({ by: getUser(req)?.sub });
        };
        const guard = requireAuth({ ownPage: true });
        app.post('/plain/form', express.urlencoded({ extended: true, limit: '2mb' }), guard, change);
        app.post('/plain/json', express.json(), guard, change);
        app.post('/plain/unparsed', guard, express.urlencoded(), change);
        app.get('/plain/read', guard, change);
        app.post('/plain/role', express.json(), requireAuth({ roles: 'admin', ownPage: true }), change);
        app.post('/plain/other', requireAuth(), change);
      },
    },
  });
  app = pair.app;
});
afterAll(() => pair?.stop());
beforeEach(() => {
  changes = 0;
});

const script = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'application/json' };
const open = (browser: Browser, path = '/sessions') => browser.get(app.url(path));
const denied = () => app.events('access.denied');

/** A second session of the same person, which the forms on /sessions would end. */
async function elsewhere(account: string): Promise<Browser> {
  return (await pair.signIn(account, '/profile', createBrowser())).browser;
}

/** Somebody else signs in in another tab of the same browser. */
async function switchTo(account: string, browser: Browser): Promise<void> {
  const headers = { 'Sec-Fetch-Site': 'same-origin' };
  const sent = await browser.get(app.url('/auth/login?renew=1&returnTo=/'), { follow: false, headers });
  const asked = await pair.provider.signIn(createBrowser(), sent.location ?? '', account);
  expect(textOf(await browser.get(asked))).toContain('Hello');
}

function expectRefused(page: Page, heading: string): void {
  expect([page.status, headingOf(page)]).toEqual([403, heading]);
  expect(page.body).toContain('Nothing was changed.');
  expect(page.location).toBeUndefined();
  expect(requestIdOn(page)).not.toBe('');
}
const ofAnother = 'This page was opened by someone else';
const unmarked = "We couldn't tell whose page this is";

describe('a page that alice left open, after bob signed in in another tab', () => {
  let browser: Browser;
  let left: Page;
  let bobElsewhere: Browser;

  beforeEach(async () => {
    await elsewhere('alice');
    ({ browser, page: left } = await pair.signIn('alice', '/sessions', createBrowser()));
    bobElsewhere = await elsewhere('bob');
    await switchTo('bob', browser);
  });

  test('changes nothing by its form, and says so', async () => {
    const before = denied().length;
    const refused = await pressIn(browser, left, '/sessions/end-others');
    expectRefused(refused, ofAnother);
    expect(textOf(refused)).toContain('Signed in as Bob Baker');
    expect(refused.body).toContain('href="/sessions"');
    expect(refused.body).not.toContain('Alice');
    expect(await statusOf(bobElsewhere, app)).toBe(200);
    expect(denied().slice(before)).toMatchObject([{ sub: 'bob', reason: 'other_persons_page' }]);
  });

  test('changes nothing by its script either', async () => {
    const headers = { ...script, 'Kit-Form': markOn(left)['kit-form'] };
    for (const path of ['/plain/json', '/plain/form', '/plain/unparsed', '/sessions/end-others']) {
      const refused = await browser.post(app.url(path), {}, { headers });
      expect([refused.status, JSON.parse(refused.body).title], path).toEqual([403, ofAnother]);
    }
    expect(changes).toBe(0);
    expect(await statusOf(bobElsewhere, app)).toBe(200);
  });

  test('does not ask bob to prove himself again first', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 15 * 60_000 });
    onTestFinished(() => void vi.useRealTimers());
    expectRefused(await pressIn(browser, left, '/sessions/end-others'), ofAnother);
    const own = await pressIn(browser, await open(browser), '/sessions/end-others', { follow: false });
    expect(new URL(own.location ?? '').origin).toBe(pair.provider.issuer);
  });

  test('still signs out whoever is signed in', async () => {
    const out = await pressIn(browser, left, '/auth/logout', { follow: false });
    expect(out.status).toBe(200);
    expect(await statusOf(browser, app)).toBe(401);
  });

  test('learns from /auth/session that it is not its own', async () => {
    const headers = { ...script, 'Kit-Form': markOn(left)['kit-form'] };
    expect((await browser.get(app.url('/auth/session'), { headers })).status).toBe(403);
    const own = { ...script, 'Kit-Form': markOn(await open(browser))['kit-form'] };
    expect((await browser.get(app.url('/auth/session'), { headers: own })).status).toBe(200);
  });
});

test('a page that alice left open still acts after she signed out and in again', async () => {
  const other = await elsewhere('alice');
  const { browser, page: left } = await pair.signIn('alice', '/sessions', createBrowser());
  await pressIn(browser, left, '/auth/logout');
  await pair.signIn('alice', '/profile', browser);
  const after = await pressIn(browser, left, '/sessions/end-others');
  expect([after.status, after.url]).toEqual([200, app.url('/sessions')]);
  expect(await statusOf(other, app)).toBe(401);
});

describe('a request that changes something', () => {
  let browser: Browser;
  let mark: string;
  let bobs: string;

  beforeAll(async () => {
    const { browser: alice, page } = await pair.signIn('alice');
    browser = alice;
    mark = markOn(page)['kit-form'];
    bobs = markOn((await pair.signIn('bob')).page)['kit-form'];
  });

  const forged = (): [what: string, value: string][] => [
    ['of another person', bobs],
    ['that is made up', 'A'.repeat(mark.length)],
    ['that is as long in letters, but not in bytes', 'é'.repeat(mark.length)],
    ['that is empty', ''],
    ['with a blank', ` ${mark}`],
    ['cut short', mark.slice(0, -1)],
    ['with more behind it', `${mark}A`],
    ['in other letters', mark.toUpperCase()],
    ['of 60 KB', 'A'.repeat(60_000)],
  ];

  test('is taken with the mark of the own page, as field or as header', async () => {
    const headers = { ...script, 'Kit-Form': mark };
    const field = { 'kit-form': mark };
    expect((await browser.post(app.url('/sessions/end-others'), field)).url).toBe(app.url('/sessions'));
    const byScript = await browser.post(app.url('/sessions/end-others'), {}, { headers, follow: false });
    expect(byScript.status).toBe(303);
    expect((await browser.post(app.url('/plain/form'), field)).body).toBe('{"by":"alice"}');
    expect((await browser.post(app.url('/plain/form'), field, { headers })).status).toBe(200);
    for (const path of ['/plain/form', '/plain/json', '/plain/unparsed', '/plain/role'])
      expect((await browser.post(app.url(path), {}, { headers })).status, path).toBe(200);
    expect((await browser.get(app.url('/plain/read'), { headers })).status).toBe(200);
    expect((await browser.post(app.url('/plain/other'))).status, 'only where it is asked for').toBe(200);
  });

  test('is refused with a field that is not its mark', async () => {
    for (const path of ['/sessions/end-others', '/plain/form']) {
      for (const [what, value] of forged()) {
        const refused = await browser.post(app.url(path), { 'kit-form': value });
        expect([refused.status, headingOf(refused)], `${path}: ${what}`).toEqual([403, ofAnother]);
      }
      const twice = await browser.post(app.url(path), [
        ['kit-form', mark],
        ['kit-form', mark],
      ]);
      expectRefused(twice, ofAnother);
    }
    const nested = await browser.post(app.url('/plain/form'), [['kit-form[a]', mark]]);
    expectRefused(nested, ofAnother);
    expect(changes).toBe(0);
  });

  test('is refused with a header that is not its mark, whatever the field says', async () => {
    for (const [what, value] of forged().filter(([, text]) => /^[\x20-\x7e]{0,5000}$/.test(text))) {
      // Blanks around a header's value are no part of it.
      if (value.trim() === mark) continue;
      const headers = { ...script, 'Kit-Form': value };
      for (const fields of [{}, { 'kit-form': mark }]) {
        const refused = await browser.post(app.url('/plain/form'), fields, { headers });
        expect(refused.status, what).toBe(403);
      }
    }
    const headers = { ...script, 'Kit-Form': mark };
    const refused = await browser.post(app.url('/plain/form'), { 'kit-form': bobs }, { headers });
    expect(refused.status).toBe(403);
    expect(changes).toBe(0);
  });

  test('is refused without one', async () => {
    const before = denied().length;
    for (const path of ['/sessions/end', '/sessions/end-others', '/sessions/end-all', '/plain/form']) {
      expectRefused(await browser.post(app.url(path), { handle: 'x' }), unmarked);
    }
    // Read before the guard, a form has no field for it.
    expectRefused(await browser.post(app.url('/plain/unparsed'), { 'kit-form': mark }), unmarked);
    expect((await browser.request('POST', app.url('/plain/json'), { headers: script })).status).toBe(403);
    expect((await browser.get(app.url('/plain/read'))).status).toBe(403);
    expect(changes).toBe(0);
    expect(await statusOf(browser, app)).toBe(200);
    expect(
      denied()
        .slice(before)
        .every(({ sub, reason }) => sub === 'alice' && reason === 'unmarked_page'),
    ).toBe(true);
    // A developer's word is for development.
    expect((await browser.post(app.url('/sessions/end'))).body).not.toContain('/kit/form');
    const bare = await browser.post(app.url('/sessions/end'), {}, { headers: script });
    expect([bare.status, bare.body.includes('hint')]).toEqual([403, false]);
  });

  test('is refused with a megabyte in its place', async () => {
    const large = { 'kit-form': 'A'.repeat(1_000_000) };
    expect((await browser.post(app.url('/sessions/end-others'), large)).status).toBe(413);
    expect((await browser.post(app.url('/plain/form'), large)).status).toBe(403);
    expect(await statusOf(browser, app)).toBe(200);
  });

  test('by somebody whose account may not is refused for that, from the own page', async () => {
    const { browser: bob, page } = await pair.signIn('bob');
    const headers = { ...script, 'Kit-Form': markOn(page)['kit-form'] };
    const refused = await bob.post(app.url('/plain/role'), {}, { headers });
    expect([refused.status, JSON.parse(refused.body).title]).toEqual([
      403,
      "You don't have access to this page",
    ]);
  });

  test('by nobody is a 401, with or without a mark', async () => {
    for (const fields of [{}, { 'kit-form': mark }]) {
      const page = await createBrowser().post(app.url('/sessions/end-others'), fields);
      expect(page.status).toBe(401);
      // It holds the form again with the mark that it came with, and has none of its own: it is nobody's page.
      expect(page.body.split(mark).length - 1).toBe(Object.keys(fields).length);
      expect(page.body).not.toContain('name="kit-form" content');
    }
  });
});

test('each form of a page carries its mark, which no browser fills in from before', async () => {
  const { page } = await pair.signIn('alice', '/sessions');
  const forms = page.body.match(/<form[^>]*action="\/sessions\/[\s\S]*?<\/form>/g) ?? [];
  expect(forms.length).toBeGreaterThan(1);
  const { 'kit-form': mark } = markOn(page);
  const field = `<input type="hidden" name="kit-form" value="${mark}" autocomplete="off">`;
  for (const form of forms) expect(form).toContain(field);
  const visitors = await createBrowser().get(app.url('/'));
  expect(visitors.body).not.toContain('kit-form');
  // The script that sends a form once is there where forms are.
  expect(page.body).toMatch(/<script src="\/forms\.js\?v=[\w-]+" defer><\/script>/);
  expect(visitors.body).not.toContain('forms.js');
});

test('in development a form without it is answered with the name of its view', async () => {
  const dev = await startPair({ env: { NODE_ENV: 'development' } });
  onTestFinished(dev.stop);
  const { browser } = await dev.signIn('alice');
  const refused = await browser.post(dev.app.url('/sessions/end-others'));
  expectRefused(refused, unmarked);
  expect(textOf(refused)).toContain('inside each form of views/sessions.ejs');
});

test('in development a script that does not send it is told what to send, and so is the log', async () => {
  const dev = await startPair({ env: { NODE_ENV: 'development' } });
  onTestFinished(dev.stop);
  const { browser } = await dev.signIn('alice');
  const refused = await browser.post(dev.app.url('/sessions/end-others'), {}, { headers: script });
  const hint = 'have the script send the content of <meta name="kit-form"> as the header Kit-Form';
  expect(JSON.parse(refused.body)).toMatchObject({ status: 403, hint });
  expect(dev.app.lines).toContainEqual(expect.objectContaining({ msg: 'request failed', hint }));
});

describe('the mark', () => {
  const apps: TestApp[] = [];
  afterEach(async () => {
    for (const app of apps.splice(0)) await app.stop();
  });

  test('of the previous secret is taken while that secret is', async () => {
    const [old, current] = [
      'an-old-secret-of-more-than-32-characters',
      'a-new-secret-of-more-than-32-characters',
    ];
    const settings = [
      { SESSION_SECRET: old },
      { SESSION_SECRET: current, SESSION_SECRET_PREVIOUS: old },
      { SESSION_SECRET: current },
    ];
    const statuses: number[] = [];
    let mark: { 'kit-form': string } | undefined;
    for (const secrets of settings) {
      const port = await freePort();
      pair.provider.registerApp(`http://127.0.0.1:${port}`);
      const env = {
        OIDC_ISSUER: pair.provider.issuer,
        OIDC_CLIENT_ID: clientId,
        OIDC_CLIENT_SECRET: clientSecret,
      };
      const next = await startApp({ ...env, ...secrets }, port);
      apps.push(next);
      const browser = createBrowser();
      const sent = await browser.get(next.url('/sessions'), { follow: false });
      const page = await browser.get(await pair.provider.signIn(browser, sent.location ?? '', 'alice'));
      mark ??= markOn(page);
      if (secrets.SESSION_SECRET === current) expect(markOn(page)).not.toEqual(mark);
      statuses.push((await browser.post(next.url('/sessions/end-others'), mark)).status);
    }
    pair.provider.registerApp(app.origin);
    expect(statuses).toEqual([200, 200, 403]);
  });

  test('is of issuer and subject together, and of no other use of the secret', () => {
    const [secret, iss] = ['s'.repeat(32), 'https://login.example.com'];
    const markOf = (issuer: string, sub: string, use = 'page mark') =>
      createNamer([secret], use)(issuer, sub)[0];
    const marks = [
      markOf(iss, 'alice'),
      markOf('https://other.example.com', 'alice'),
      markOf(`${iss}a`, 'lice'),
      markOf(iss, 'bob'),
      markOf(iss, 'alice', 'owner'),
    ];
    expect(new Set(marks).size).toBe(marks.length);
  });
});
