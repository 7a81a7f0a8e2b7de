import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type RequestOptions, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sampleAccounts } from '../dev/accounts.ts';
import { limitsPerMinute } from '../http/rate-limits.ts';
import { freePort } from '../testing/processes.ts';
import { startApp, type TestApp } from './helpers/app.ts';
import { createBrowser } from './helpers/browser.ts';
import { describeWithChromium, launchChromium } from './helpers/chromium.ts';
import {
  clientId,
  clientSecret,
  type IdentityProvider,
  startIdentityProvider,
} from './helpers/identity-provider.ts';
import { hasNginx, type Nginx, startNginx } from './helpers/nginx.ts';
import { hasRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';

/** People whose ID tokens are large, as those of somebody in hundreds of groups. */
const accounts = [
  ...sampleAccounts,
  ...[
    { sub: 'bulky', purpose: '', claims: { roles: ['x'.repeat(2_400)] } },
    { sub: 'enormous', purpose: '', claims: { roles: ['x'.repeat(40_000)] } },
  ],
];

// Two instances behind nginx, which ends TLS and sends each request to whichever it likes, as deploy/nginx.conf says.

describe.skipIf(!hasNginx || !hasRedis)('behind nginx', () => {
  let provider: IdentityProvider;
  let redis: RedisServer;
  let proxy: Nginx;
  let instances: TestApp[] = [];
  let origin = '';

  beforeAll(async () => {
    const ports = [await freePort(), await freePort()] as const;
    proxy = await startNginx(ports);
    origin = proxy.origin;
    redis = await startRedis({ password: 'a password' });
    provider = await startIdentityProvider({ redirectOrigin: origin, accounts });
    const settings = {
      ...{ BASE_URL: origin, TRUST_PROXY_HOPS: '1', REDIS_URL: redis.url },
      ...{ OIDC_ISSUER: provider.issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret },
      SESSION_SECRET: 'the same secret for both instances',
      // So that the redirect to the provider is as long as it gets, and shows what it asks for.
      ...{ OIDC_PAR: 'off', OIDC_UI_LOCALES: 'de-CH fr-CH it-CH rm-CH en-GB en' },
    };
    instances = await Promise.all(ports.map((port) => startApp(settings, port)));
  });

  afterAll(async () => {
    await proxy?.stop();
    await Promise.all(instances.map((one) => one.stop()));
    await provider?.stop();
    await redis?.stop();
  });

  const newBrowser = () => createBrowser({ ca: proxy.ca });
  async function signIn(browser = newBrowser(), account = 'alice') {
    const { location = '' } = await browser.get(`${origin}/profile`, { follow: false });
    const page = await browser.get(await provider.signIn(browser, location, account));
    return { browser, page };
  }

  test('a sign-in works, whichever instance gets which of its requests', async () => {
    for (const instance of instances) instance.lines.length = 0;
    const { browser, page } = await signIn();
    expect(page.url).toBe(`${origin}/profile`);
    for (let turn = 0; turn < 4; turn++) {
      expect((await browser.get(`${origin}/profile`)).body).toContain('Alice Adams');
    }
    for (const { lines } of instances) {
      const served = lines.filter(({ msg, path }) => msg === 'request' && path === '/profile');
      expect(served.length, 'both served').toBeGreaterThan(0);
    }
  });

  test('its cookies are __Host- cookies for https only', async () => {
    const { browser } = await signIn();
    const ours = browser.setCookies.filter(({ url }) => url.startsWith(origin)).map(({ line }) => line);
    expect(ours.length).toBeGreaterThan(2);
    for (const line of ours) {
      expect(line).toMatch(/^__Host-(session|sign-ins|login-[\w-]+)=/);
      expect(line).toMatch(/; Path=\//);
      expect(line).toMatch(/; HttpOnly/);
      expect(line).toMatch(/; Secure/);
      expect(line).not.toMatch(/; Domain/i);
    }
  });

  test('every answer tells browsers to come by https', async () => {
    const { browser, page } = await signIn();
    const css = /href="(\/[^"]+\.css[^"]*)"/.exec(page.body)?.[1];
    for (const path of ['/', '/profile', '/auth/login', '/nowhere', css]) {
      const { headers } = await browser.get(`${origin}${path}`, { follow: false });
      expect(headers.get('strict-transport-security'), path).toBe('max-age=31536000; includeSubDomains');
    }
  });

  test('a forged host changes no address that the app sends out', async () => {
    const tricks: Record<string, string>[] = [
      { Host: 'evil.example' },
      { 'X-Forwarded-Host': 'evil.example' },
      { 'X-Forwarded-Proto': 'http', 'X-Forwarded-Port': '81' },
      { Forwarded: 'host=evil.example;proto=http' },
      { 'X-Original-URL': '/admin', 'X-Rewrite-URL': '/admin' },
    ];
    const page = { Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
    for (const trick of tricks) {
      let { status, headers } = await ask('/profile?a=1', { headers: { ...page, ...trick } });
      if (trick.Host) {
        // Another name of this host leads to BASE_URL first, and forged there too it changes no more.
        expect([status, headers.location]).toEqual([302, `${origin}/profile?a=1&host-checked=yes`]);
        const again = '/profile?a=1&host-checked=yes';
        ({ status, headers } = await ask(again, { headers: { ...page, ...trick } }));
      }
      expect(status).toBe(302);
      const target = new URL(headers.location ?? '');
      expect(target.origin).toBe(provider.issuer);
      expect(target.searchParams.get('redirect_uri')).toBe(`${origin}/auth/callback`);
      expect(headers['set-cookie']?.join()).toMatch(/^__Host-login-.*; Secure/);
      expect(JSON.stringify(headers)).not.toContain('evil');
    }
  });

  // Only Linux answers on 127.0.0.2 and its neighbours without being set up for it.
  const onLinux = test.skipIf(process.platform !== 'linux');

  onLinux(
    'a client is counted by its own address, over both instances; a forged one does not help',
    async () => {
      const first = await askFrom('127.0.0.2', '/auth/login');
      expect(first.status).toBe(302);
      for (let turn = 1; turn < limitsPerMinute.login; turn++) {
        const { status } = await askFrom('127.0.0.2', '/auth/login', `203.0.113.${turn}`);
        expect(status).toBe(302);
      }
      const refused = await askFrom('127.0.0.2', '/auth/login', '203.0.113.250');
      expect(refused.status).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
      expect((await askFrom('127.0.0.2', '/auth/login')).status).toBe(429);
      const events = instances.flatMap((one) => one.events('request.rate_limited'));
      expect(events).toMatchObject([{ reason: 'login', 'client.address': '127.0.0.2' }]);
      // Somebody else behind the same nginx is not locked out.
      expect((await askFrom('127.0.0.3', '/auth/login')).status).toBe(302);
    },
  );

  test.each([
    { count: 1, length: 2_020, what: 'a sign-in with the longest return path fits' },
    { count: 5, length: 300, what: 'five sign-ins at once fit' },
  ])('$what through', async ({ count, length }) => {
    const browser = newBrowser();
    const started: { path: string; location: string }[] = [];
    for (let tab = 0; tab < count; tab++) {
      const path = `/profile?tab=${tab}&text=${'x'.repeat(length)}`;
      const page = await browser.get(origin + path, { follow: false });
      expect(page.status, `tab ${tab}`).toBe(302);
      started.push({ path, location: page.location ?? '' });
    }
    for (const { path, location } of started) {
      const page = await browser.get(await provider.signIn(browser, location, 'alice'));
      expect(page.status).toBe(200);
      expect(page.url).toBe(origin + path);
    }
  });

  test.each([
    ['close to the longest hint', 'bulky'],
    ['an ID token that no address could hold', 'enormous'],
  ])('a sign-out with %s passes, there and back', async (_what, account) => {
    const { browser, page } = await signIn(newBrowser(), account);
    expect(page.url).toBe(`${origin}/profile`);
    const left = await browser.submit(page, {}, { follow: false });
    expect(left.location).toMatch(`${provider.issuer}/session/end`);
    expect(browser.cookie('__Host-session')).toBeUndefined();
    const hint = new URL(left.location ?? '').searchParams.get('id_token_hint') ?? '';
    let back = await browser.get(left.location ?? '');
    if (account === 'bulky') expect(hint.length).toBeGreaterThan(3_800);
    else {
      // Without the hint the provider asks.
      expect(hint).toBe('');
      back = await browser.submit(back, { logout: 'yes' });
    }
    expect(back.url).toMatch(`${origin}/signed-out?state=`);
  });

  test('headers and forms beyond all measure are refused, not passed on', async () => {
    const huge = await newBrowser().get(origin, { headers: { Cookie: `a=${'x'.repeat(40_000)}` } });
    expect(huge.status).toBe(400);
    const form = await newBrowser().post(`${origin}/auth/backchannel-logout`, {
      logout_token: 'x'.repeat(100_000),
    });
    expect(form.status).toBe(413);
    expect((await newBrowser().get(origin)).status).toBe(200);
  });

  test('whoever has too many cookies reads in the words of the app what to do', async () => {
    const page = await newBrowser().get(origin, { headers: { Cookie: `a=${'x'.repeat(20_000)}` } });
    expect(page.status).toBe(431);
    expect(page.body).toContain('<h1>Too many cookies for this site</h1>');
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  test.each([
    ...[
      '/healthz',
      '/readyz',
      '/readyz?public',
      '/healthz/',
      '/HealthZ',
      '/READYZ/?a=b',
      '//healthz',
      '///readyz//',
    ],
    ...[
      '/%68ealthz',
      '/%72eady%7A',
      '/healthz%2f',
      '/%2fhealthz',
      '/./healthz',
      '/a/../readyz',
      '/a/%2e%2e/readyz',
    ],
    ...[
      '/readyz;x',
      '/healthz%00',
      '/healthz%20',
      '/healthz%09',
      '/healthz%0a',
      '/healthz#a',
      '/healthz\u00a0',
    ],
    ...['/healthz\u00a0?a=b', '/healthz/.', '/healthz/a/..', 'https://127.0.0.1/healthz', '/healthz\t'],
    ...['/healthz.', '/healthz,', '/healthz/a'],
  ])('%j is refused from outside', async (path) => {
    const { status, body } = await send(path);
    expect([400, 404]).toContain(status);
    expect(body).not.toMatch(/"status":|"checks":/);
  });

  test('the instances answer the probes themselves, and an address that only begins like one is let through', async () => {
    for (const { url } of instances) {
      for (const path of ['/healthz', '/readyz', '/readyz?public'])
        expect((await fetch(url(path))).status).toBe(200);
    }
    for (const path of ['/healthz-report', '/readyzone']) {
      const { body } = await send(path);
      expect(body, 'the app answers').toContain('Page not found');
    }
  });

  test('a person who comes by another name of the host signs in at BASE_URL, and lands on a clean address', async () => {
    const browser = newBrowser();
    const other = origin.replace('127.0.0.1', 'localhost');
    const first = await browser.get(`${other}/profile?a=1`, { follow: false });
    expect(first.location).toBe(`${origin}/profile?a=1&host-checked=yes`);
    const { location = '' } = await browser.get(first.location ?? '', { follow: false });
    const page = await browser.get(await provider.signIn(browser, location, 'alice'));
    expect([page.status, page.url]).toEqual([200, `${origin}/profile?a=1`]);
  });

  test('without `proxy_set_header Host` people sign in all the same, and the log says once what is missing', async () => {
    for (const instance of instances) instance.lines.length = 0;
    const ports = instances.map((one) => Number(new URL(one.url('')).port)) as [number, number];
    const edit = (conf: string) => conf.replace(/ +proxy_set_header Host .*\n/, '');
    const bare = await startNginx(ports, { edit });
    try {
      const browser = createBrowser({ ca: bare.ca });
      const first = await browser.get(`${bare.origin}/profile?a=1`, { follow: false });
      expect(first.location).toBe(`${origin}/profile?a=1&host-checked=yes`);
      // Where BASE_URL is behind the same nginx, the name is another there too.
      for (let turn = 0; turn < 4; turn++) {
        const there = `${bare.origin}/profile?a=1&host-checked=yes`;
        const { location = '' } = await browser.get(there, { follow: false });
        expect(new URL(location).origin).toBe(provider.issuer);
        expect(new URL(location).searchParams.get('redirect_uri')).toBe(`${origin}/auth/callback`);
      }
      for (const { lines } of instances) {
        const said = lines.filter(({ msg }) => msg === 'requests come by another name than BASE_URL');
        const hint = expect.stringContaining('proxy_set_header Host $host');
        expect(said).toMatchObject([{ level: 'warn', host: 'app', hint }]);
      }
    } finally {
      await bare.stop();
    }
  });

  test("nginx's request id is the one that the page shows and the log holds", async () => {
    // What a client sends as X-Request-Id is overwritten by nginx.
    const page = await newBrowser().get(`${origin}/nowhere`, { headers: { 'X-Request-Id': 'forged' } });
    const id = /[0-9a-f]{32}/.exec(page.body)?.[0];
    expect(id).toBeDefined();
    const lines = instances.flatMap((one) => one.lines);
    expect(lines.filter((line) => line.request_id === id && line.path === '/nowhere')).toHaveLength(1);
    expect(lines.filter((line) => line.request_id === 'forged')).toEqual([]);
  });

  describeWithChromium('in Chromium', () => {
    test('a person signs in over https, opens pages and signs out', async () => {
      const chromium = await launchChromium();
      // The certificate is this test's own.
      const context = await chromium.newContext({ ignoreHTTPSErrors: true });
      try {
        const page = await context.newPage();
        const complaints: string[] = [];
        page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
        await page.goto(`${origin}/profile`);
        expect(new URL(page.url()).origin).toBe(provider.issuer);
        await page.click('button[value="alice"]');
        await page.waitForURL(`${origin}/profile`);
        expect(await page.textContent('body')).toContain('Alice Adams');
        const session = (await context.cookies(origin)).find(({ name }) => name === '__Host-session');
        expect(session).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/' });
        expect(await page.evaluate('document.cookie')).toBe('');

        await page.goto(`${origin}/sessions`);
        expect(await page.textContent('main')).toContain('Chrom');
        await page.click('form[action="/auth/logout"] button');
        await page.waitForURL(`${origin}/signed-out**`);
        await page.goto(`${origin}/profile`);
        expect(new URL(page.url()).origin, 'asked again').toBe(provider.issuer);
        expect(complaints).toEqual([]);

        // By another name, and with more cookies than fit: each reads, or is led, where to go.
        await context.clearCookies();
        await page.goto(`${origin.replace('127.0.0.1', 'localhost')}/profile?a=1`);
        await page.click('button[value="alice"]');
        await page.waitForURL(`${origin}/profile?a=1`);
        const cookies = Array.from({ length: 150 }, (_, index) => ({
          ...{ name: `other-app-${index}`, value: 'x'.repeat(120), url: origin },
        }));
        await context.addCookies(cookies);
        const refused = await page.goto(`${origin}/profile`);
        expect(refused?.status()).toBe(431);
        expect(await page.textContent('h1')).toBe('Too many cookies for this site');
        await context.clearCookies({ name: /^other-app-/ });
        // Each link of ours would have led here again; now the page can be opened.
        await page.reload();
        expect(await page.textContent('body')).toContain('Alice Adams');
      } finally {
        await chromium.close();
      }
    });
  });

  /** A request from one of the machine's many loopback addresses, each a client of its own to nginx. */
  const askFrom = (localAddress: string, path: string, forged?: string) =>
    ask(path, { localAddress, headers: forged ? { 'X-Forwarded-For': forged, 'X-Real-IP': forged } : {} });

  /** The path as it is, which Node's client would not send so. */
  async function send(path: string) {
    const socket = connect({
      port: Number(new URL(origin).port),
      host: '127.0.0.1',
      ca: proxy.ca,
      servername: '',
    });
    const Host = new URL(origin).host;
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${Host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n`,
      'latin1',
    );
    const body = await text(socket);
    return { status: Number(body.split(' ')[1]), body };
  }

  async function ask(path: string, options: RequestOptions) {
    const certificate = { ca: proxy.ca, servername: '' };
    const req = request(origin + path, { ...certificate, agent: false, ...options }).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    res.resume();
    await once(res, 'end');
    return { status: res.statusCode, headers: res.headers };
  }
});
