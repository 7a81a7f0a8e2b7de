import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startApi } from '../dev/api.ts';
import { english, say } from '../errors/language.ts';
import { listRoutes } from '../http/methods.ts';
import { kitPages } from '../pages/kit-pages.ts';
import { definePage, type Page as KitPage } from '../pages/page.ts';
import type { AppWithRoutes } from './helpers/app-with-routes.ts';
import { type Browser, createBrowser, type Page } from './helpers/browser.ts';
import { type HttpsPair, startHttpsPair } from './helpers/https-front.ts';
import { type Pair, requestIdOn, startPair } from './helpers/pair.ts';
import { site } from './site/site.ts';

// Walks every page and every route there is, those included that somebody adds later. A route that is not said to be
// open to everybody has to refuse whom it does not know.

/** What anybody may ask, and what a GET of it gives to nobody. Everything else is behind the guard. */
const open: Record<string, number[]> = {
  '/': [200],
  '/signed-out': [200],
  '/healthz': [200],
  '/readyz': [200],
  '/auth/login': [302],
  // This app has one provider, without a name.
  '/auth/login/:name': [404],
  '/auth/callback': [400],
  '/auth/callback/:name': [404],
  '/auth/logout': [303],
  '/auth/backchannel-logout': [400],
  '/auth/frontchannel-logout': [400],
  '/auth/initiate-login': [400],
};

const apiUrl = 'http://localhost:1/';
const pages: readonly KitPage[] = [
  ...site.pages({ settings: { API_URL: apiUrl, OWN_SECRET: undefined } }),
  ...kitPages,
];
const publicPages = pages.filter(({ access }) => access === 'everyone');
const protectedPages = pages.filter(({ access }) => access !== 'everyone');
const actions = protectedPages.flatMap((page) =>
  Object.keys('actions' in page ? (page.actions ?? {}) : {}).map((name) => `${page.path}/${name}`),
);

let pair: Pair;
let api: Awaited<ReturnType<typeof startApi>>;
let alice: Browser;
let eve: Browser;
let routes: ReturnType<typeof listRoutes>;

beforeAll(async () => {
  // The API that tokens are for has to be known before the provider that issues them.
  const audience = 'https://api.example';
  pair = await startPair({
    apis: [{ audience, scope: 'notes.read' }],
    env: { API_URL: apiUrl, OIDC_SCOPE: 'openid profile email offline_access notes.read' },
    routes: {},
  });
  api = await startApi({ issuer: pair.provider.issuer, audience });
  routes = listRoutes((pair.app as AppWithRoutes).express);
  alice = (await pair.signIn('alice')).browser;
  eve = (await pair.signIn('eve')).browser;
});
afterAll(async () => {
  await pair?.stop();
  await api?.stop();
});

const url = (path: string) => pair.app.url(path);
const each = <T extends { path: string }>(list: readonly T[]) => list.map((one) => [one.path, one] as const);

describe('the pages', () => {
  test('are routes of the app, each of them', () => {
    const paths = new Set(routes.map(({ path }) => path));
    for (const { path } of pages) expect(paths).toContain(path);
    for (const path of Object.keys(open)) expect(paths, path).toContain(path);
  });

  test('do not compile without a stated access, and are handed a user only where there must be one', () => {
    // @ts-expect-error: who may see it?
    const page = definePage({ path: '/x', title: 'X', view: 'home' });
    expect(page).not.toHaveProperty('access');
    definePage({
      ...{ path: '/x', title: 'X', view: 'home' },
      access: 'everyone',
      // @ts-expect-error: nobody may be signed in
      model: ({ user }) => ({ name: user.name }),
    });
    definePage({
      ...{ path: '/x', title: 'X', view: 'home' },
      access: { roles: 'admin' },
      model: ({ user }) => ({ name: user.name }),
    });
  });

  test.each(each(publicPages))('%s is seen by nobody in particular', async (path) => {
    expect((await createBrowser().get(url(path), { follow: false })).status).toBe(200);
  });

  test.each(each(protectedPages))('%s sends who is not signed in to sign in', async (path) => {
    const browser = createBrowser();
    const page = await browser.get(url(`${path}?x=1`), { follow: false });
    expect(page.status).toBe(302);
    expect(new URL(page.location ?? '').origin).toBe(pair.provider.issuer);
    expect(browser.cookie('session')).toBeUndefined();
  });

  test.each(each(pages))('%s shows itself to who is signed in and allowed', async (path, page) => {
    const shown = await alice.get(url(path), { follow: false });
    expect(shown.status).toBe(200);
    expect(shown.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(shown.body).toContain('Alice Adams');
    expect(shown.body).toContain('<form method="post" action="/auth/logout">');
    // /signed-out has another heading for somebody who is not.
    if (path !== '/signed-out') expect(shown.body).toContain(`<title>${say(page.title, english)} · `);
  });

  test.each(each(pages))('%s prints whatever claims hold as text', async (path) => {
    const shown = await eve.get(url(path), { follow: false });
    expect([200, 403]).toContain(shown.status);
    expect(shown.body).toContain('&lt;script&gt;alert(&quot;name&quot;)&lt;/script&gt;');
    expectNothingHostile(shown);
  });

  test.each(each(pages))('%s takes nothing from the query into the page unescaped', async (path) => {
    const query =
      'title=<script>alert(9)</script>&user[name]=mallory&settings[view options][client]=1&page=mallory';
    const shown = await alice.get(url(`${path}?${encodeURI(query)}`));
    expect(shown.status).toBe(200);
    expect(shown.body).not.toMatch(/<script>alert|mallory/);
  });

  test.each(actions)(
    'the form of %s changes nothing for who is not signed in, nor from another site',
    async (path) => {
      const nobody = await createBrowser().post(url(path));
      expect([nobody.status, nobody.location]).toEqual([401, undefined]);
      const lured = await alice.post(url(path), {}, { follow: false }, 'https://evil.example');
      expect(lured.status).toBe(403);
      expect(requestIdOn(lured)).not.toBe('');
      expect((await alice.get(url('/profile'))).status).toBe(200);
    },
  );
});

function expectNothingHostile({ body }: Page): void {
  expect(body).not.toMatch(
    /<script>|<img|<svg(?! (class="(kind|unseen)"|aria-hidden))|<b>|<i>role|href="javascript:|src="javascript:/i,
  );
  // The scripts there are come from us by their addresses.
  for (const [tag] of body.matchAll(/<script[^>]*>/g)) {
    expect(tag).toMatch(/^<script src="\/(session|forms|message|times)\.js(\?v=[\w-]+)?" defer>$/);
  }
  expect(body).not.toMatch(/undefined|\[object Object\]|NaN/);
}

describe('every route', () => {
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'OPTIONS', 'PROPFIND'];
  const ask = (browser: Browser, method: string, path: string) =>
    browser.request(method, url(path), { follow: false });

  test('that is not said to be open refuses who is not signed in', async () => {
    for (const { path, methods: taken } of routes.filter(({ path }) => !(path in open))) {
      for (const method of taken) {
        const { status, location } = await ask(createBrowser(), method, path);
        const sent = location && new URL(location).origin === pair.provider.issuer;
        expect(
          status === 401 || (method === 'GET' && status === 302 && sent),
          `${method} ${path}: ${status}`,
        ).toBe(true);
      }
    }
  });

  test('that is open gives nobody more than it is said to give', async () => {
    for (const { path } of routes.filter(({ path, methods }) => path in open && methods.includes('GET'))) {
      const { status, body } = await ask(createBrowser(), 'GET', path);
      expect(open[path], `GET ${path}: ${status}`).toContain(status);
      expect(body).not.toContain('Alice');
    }
  });

  test('answers a method that it does not take with 405 and Allow, and changes nothing', async () => {
    const before = pair.app.events('session.ended').length;
    for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
      const taken = new Set(group.flatMap((route) => route.methods));
      if (taken.has('GET')) taken.add('HEAD');
      for (const method of methods.filter((one) => !taken.has(one))) {
        const answer = await ask(alice, method, path);
        expect(answer.status, `${method} ${path}`).toBe(method === 'OPTIONS' ? 204 : 405);
        const allow = answer.headers.get('allow')?.split(', ') ?? [];
        expect(new Set(allow), `${method} ${path}`).toEqual(new Set([...taken, 'OPTIONS']));
      }
    }
    expect((await alice.get(url('/profile'))).status).toBe(200);
    expect(pair.app.events('session.ended').length).toBe(before);
  });

  test('has the security headers in every answer it can give, and none of an other site', async () => {
    const answers: [string, Page][] = [];
    for (const { path, methods: taken } of routes) {
      for (const browser of [createBrowser(), eve]) {
        // The sign-out would end the session of the one after.
        const methods = browser === eve ? ['GET', 'DELETE'] : [...taken, 'DELETE'];
        for (const method of methods) answers.push([`${method} ${path}`, await ask(browser, method, path)]);
      }
    }
    for (const path of [
      '/nowhere',
      '/profile/nowhere',
      '/site.css',
      '/favicon.svg',
      '/%E0%A4%A',
      '/session.js',
    ]) {
      answers.push([path, await ask(createBrowser(), 'GET', path)]);
    }
    expect(answers.length).toBeGreaterThan(60);
    for (const [what, { headers }] of answers) {
      const csp = headers.get('content-security-policy') ?? '';
      expect(csp, what).toContain("default-src 'none'");
      expect(csp, what).not.toMatch(/unsafe|\*|data:|https?:(?!\/\/localhost)/);
      expect(csp, what).toContain(
        what.includes('frontchannel') && /GET/.test(what) ? 'frame-ancestors' : "frame-ancestors 'none'",
      );
      expect(headers.get('x-content-type-options'), what).toBe('nosniff');
      expect(headers.get('referrer-policy'), what).toBe('same-origin');
      expect(headers.get('cross-origin-opener-policy'), what).toBe('same-origin');
      expect(headers.get('cross-origin-resource-policy'), what).toBe('same-origin');
      expect(headers.get('x-powered-by'), what).toBeNull();
      expect(headers.get('etag') === null || what.startsWith('/'), what).toBe(true);
      for (const name of headers.keys()) expect(name, what).not.toMatch(/^access-control-/);
    }
  });

  test('is kept by no cache, but for the files', async () => {
    for (const { path } of routes) {
      for (const browser of [createBrowser(), eve]) {
        const { headers } = await ask(browser, 'GET', path);
        expect(headers.get('cache-control'), path).toBe('no-store');
      }
    }
    expect((await createBrowser().get(url('/nowhere'))).headers.get('cache-control')).toBe('no-store');
    expect((await createBrowser().get(url('/site.css'))).headers.get('cache-control')).toBe('no-cache');
  });

  test('lets a form lead to ourselves only (R16)', async () => {
    for (const path of ['/', '/profile', '/signed-out', '/nowhere', '/auth/frontchannel-logout']) {
      const { headers } = await alice.get(url(path));
      expect(headers.get('content-security-policy'), path).toMatch(/(^|;)form-action 'self'(;|$)/);
    }
  });

  test('that a form or another site leads to the provider goes there by a page of ours (R16)', async () => {
    const answers: [string, Page][] = [];
    for (const site of ['cross-site', 'same-site']) {
      const headers = { 'Sec-Fetch-Site': site };
      for (const path of ['/auth/login?returnTo=/profile', '/profile', '/admin?a=1'])
        answers.push([
          `${path} from ${site}`,
          await createBrowser().get(url(path), { headers, follow: false }),
        ]);
    }
    const { browser, page } = await pair.signIn('frank');
    answers.push(['the sign-out', await browser.submit(page, {}, { follow: false })]);
    for (const [what, { status, headers, body, location }] of answers) {
      expect([status, headers.get('cache-control'), headers.get('location')], what).toEqual([
        200,
        'no-store',
        null,
      ]);
      expect(new URL(location ?? '').origin, what).toBe(pair.provider.issuer);
      // Escaped as an attribute, in both places the same.
      const [address, ...others] = [...body.matchAll(/(?:url=|href=")(http[^"]*)"/g)].map(
        (match) => match[1],
      );
      expect(others, what).toEqual([address]);
      expect(address, what).not.toMatch(/[<>' ]|&(?!amp;|#39;)/);
      expect(body, what).not.toMatch(/<script/);
      expect(body, what).toContain('Test site');
    }
  });

  test('that leads to the provider by a link of ours or a bookmark redirects there', async () => {
    for (const path of ['/auth/login?returnTo=/profile', '/profile']) {
      for (const site of ['same-origin', 'none']) {
        const headers = { 'Sec-Fetch-Site': site };
        const page = await createBrowser().get(url(path), { headers, follow: false });
        expect([page.status, page.body], `${path} from ${site}`).toEqual([302, '']);
      }
    }
  });

  test('gives an error page with a request id that the log knows, and no word of the inside', async () => {
    for (const [browser, path] of [
      [alice, '/nowhere'],
      [alice, '/%E0%A4%A'],
      [eve, '/admin'],
      [createBrowser(), '/auth/callback?state=x&code=secret-code'],
      [createBrowser(), '/auth/initiate-login?iss=https://evil.example'],
    ] as const) {
      const page = await browser.get(url(path));
      expect(page.status, path).toBeGreaterThanOrEqual(400);
      const id = requestIdOn(page);
      expect(id, path).not.toBe('');
      expect(page.body, path).toContain('<a href="mailto:help@example.com">');
      expect(
        pair.app.lines.some((line) => line.request_id === id),
        path,
      ).toBe(true);
      expect(page.body, path).not.toMatch(
        /node_modules|openid-client|express|\.ts:\d|Error:|secret-code|evil/,
      );
    }
    expect(JSON.stringify(pair.app.lines)).not.toContain('secret-code');
  });
});

describe('every cookie', () => {
  const attributes = 'Path=/; (Expires=[^;]+; )?HttpOnly; SameSite=Lax';

  test('on http://127.0.0.1 is HttpOnly, Lax, for the whole site and this host', async () => {
    const { browser, page } = await pair.signIn('bob');
    await browser.submit(page);
    await browser.get(url('/auth/callback?state=x'));
    const lines = [...browser.setCookies, ...alice.setCookies, ...eve.setCookies]
      .filter((each) => each.url.startsWith(pair.app.origin))
      .map(({ line }) => line);
    const names = new Set(lines.map((line) => line.replace(/^(login)?.*?=.*$/, '$1') || line.split('=')[0]));
    expect([...names].sort()).toEqual(['login', 'said', 'session', 'sign-ins', 'signed-out']);
    for (const line of lines) {
      expect(line).toMatch(
        new RegExp(
          `^(session|login-[\\w-]+|sign-ins|signed-out|said)=[^;]*; (Max-Age=\\d+; )?${attributes}$`,
        ),
      );
      expect(line.length, line).toBeLessThanOrEqual(450);
    }
    // The session's cookie ends with the browser, and says nothing.
    const session = lines.filter((line) => /^session=[^;]/.test(line));
    for (const line of session)
      expect(line).toMatch(/^session=s%3A[\w-]{24}\.[\w%+-]+; Path=\/; HttpOnly; SameSite=Lax$/);
  });

  describe('on https', () => {
    let https: HttpsPair;
    beforeAll(async () => {
      https = await startHttpsPair();
    });
    afterAll(() => https?.stop());

    test('has the __Host- prefix and is Secure; every answer asks browsers to stay with https', async () => {
      const browser = createBrowser({ ca: https.ca });
      const { location = '' } = await browser.get(https.url('/profile'), { follow: false });
      const page = await browser.get(await https.provider.signIn(browser, location, 'alice'));
      expect([page.status, page.url]).toEqual([200, https.url('/profile')]);
      const header = browser.cookieHeader(https.url('/'));
      expect(header).toMatch(/^__Host-session=/);
      expect(header.length).toBeLessThan(150);
      const out = await browser.submit(page);
      expect(out.url.startsWith(https.url('/signed-out'))).toBe(true);
      const lines = browser.setCookies.filter((each) => each.url.startsWith(https.url('/')));
      expect(lines.length).toBeGreaterThanOrEqual(5);
      for (const { line } of lines) {
        expect(line).toMatch(/^__Host-(session|login-[\w-]+|sign-ins|signed-out)=/);
        expect(line).toMatch(/; Path=\/; (Expires=[^;]+; )?HttpOnly; Secure; SameSite=Lax$/);
        expect(line).not.toMatch(/Domain/i);
        expect(line.length, line).toBeLessThanOrEqual(450);
      }
      for (const path of ['/', '/profile', '/nowhere', '/site.css', '/healthz', '/auth/session']) {
        const { headers } = await browser.get(https.url(path), { follow: false });
        expect(headers.get('strict-transport-security'), path).toBe('max-age=31536000; includeSubDomains');
      }
    });

    test('sends people to the address of the settings, whatever Host and forwarded headers say', async () => {
      // As the proxy would hand it on, if it handed on whatever a client says.
      const forged = {
        Host: 'evil.example',
        'X-Forwarded-Host': 'evil.example',
        'X-Forwarded-Proto': 'http',
      };
      const browser = createBrowser({ ca: https.ca, headers: forged });
      const led = await browser.get(https.app.url('/profile'), { follow: false });
      expect([led.status, led.location]).toEqual([302, https.url('/profile?host-checked=yes')]);
      const path = '/profile?host-checked=yes';
      const { status, location = '' } = await browser.get(https.app.url(path), { follow: false });
      expect(status).toBe(302);
      expect(location).not.toContain('evil.example');
      const page = await createBrowser().get(location);
      expect(page.status, 'the provider knows the redirect address').toBe(200);
    });
  });
});
