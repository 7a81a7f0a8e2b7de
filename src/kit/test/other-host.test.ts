import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { choicesOn, startTwoProviders } from './helpers/two-providers.ts';

// A sign-in that starts at another name of the host than BASE_URL's could not end: its cookie is kept for that name.

const navigation = {
  Accept: 'text/html',
  'Sec-Fetch-Mode': 'navigate',
  'Sec-Fetch-Dest': 'document',
  'Sec-Fetch-Site': 'none',
};

/** What the app at this address answers to somebody who came by the name in `Host`. */
async function ask(origin: string, path: string, headers: Record<string, string>, method = 'GET') {
  const { port } = new URL(origin);
  // Of a path that is one part of a URL only, so that nothing tidies it.
  const req = request({
    host: '127.0.0.1',
    port,
    path,
    method,
    agent: false,
    headers: { ...navigation, ...headers },
  });
  const [res] = (await once(req.end(), 'response')) as [IncomingMessage];
  const body = await text(res);
  return { status: res.statusCode, location: res.headers.location, headers: res.headers, body };
}

const isMarked = /[?&]host-checked=yes$/;

describe('at another name of the host', () => {
  let pair: Pair;
  let origin = '';
  const by = (host: string, path = '/profile', headers = {}) => ask(origin, path, { Host: host, ...headers });

  beforeAll(async () => {
    pair = await startPair({
      env: { OIDC_PAR: 'off' },
      routes: {
        mount: (app) => {
          app.get('/any/*rest', requireAuth(), (_req, res) => void res.send('seen'));
          app.get('/strong', requireAuth({ acr: 'stronger' }), (_req, res) => void res.send('seen'));
        },
      },
    });
    origin = pair.app.origin;
  });
  afterAll(() => pair?.stop());

  test.each([
    ['www.example.com', 'another name'],
    ['localhost', 'another name of the same machine'],
    ['10.1.2.3:3000', 'the address of a pod'],
    ['[::1]:3000', 'an IPv6 address'],
    ['localhost.', 'a dot at its end, which is another name to cookies'],
    ['127.0.0.1.evil.example', 'a name that begins like ours'],
    ['a b', 'no name'],
    ['evil.example/path?a=b#c', 'more than a name'],
    ['127.0.0.1:3000@evil.example', 'a name behind ours'],
    ['x'.repeat(10_000), 'a name longer than any'],
  ])('%s (%s): a page that needs a sign-in is sent to BASE_URL, and keeps its query', async (host) => {
    const { status, location, headers } = await by(host, '/profile?a=1&b=%2F%20ü'.replace('ü', '%C3%BC'));
    expect([status, location]).toEqual([302, `${origin}/profile?a=1&b=%2F%20%C3%BC&host-checked=yes`]);
    expect(headers['cache-control']).toBe('no-store');
    expect(headers['set-cookie']).toBeUndefined();
  });

  test.each([
    ['127.0.0.1', 'without its port, as some proxies pass it on'],
    ['127.0.0.1:443', 'another port, which cookies do not know'],
    ['0x7f.1', 'the same address, written otherwise'],
  ])('%s (%s) is no other name', async (host) => {
    const { location = '' } = await by(host);
    expect(new URL(location).origin).toBe(pair.provider.issuer);
  });

  test('a person signs in, once sent there, and lands on the clean address', async () => {
    const { location = '' } = await by('localhost', '/profile?a=1');
    const browser = createBrowser();
    const sentOff = await browser.get(location, { follow: false });
    expect(new URL(sentOff.location ?? '').origin).toBe(pair.provider.issuer);
    const page = await pair.goOn(browser, sentOff, 'alice');
    expect([page.status, page.url]).toEqual([200, `${origin}/profile?a=1`]);
  });

  test('whoever is signed in at BASE_URL lands on the clean address too', async () => {
    const { browser } = await pair.signIn('alice');
    const { location = '' } = await by('localhost', '/profile?a=1');
    expect((await browser.get(location)).url).toBe(`${origin}/profile?a=1`);
    const many = await browser.get(`${origin}/profile?a=1${'&host-checked=yes'.repeat(50)}`, {
      follow: false,
    });
    expect(many.location).toBe(`${origin}/profile?a=1`);
    const start = await by('localhost', '/auth/login?returnTo=%2Fprofile%3Fb%3D2');
    expect((await browser.get(start.location ?? '')).url).toBe(`${origin}/profile?b=2`);
  });

  test('a link to /auth/login is sent on whole', async () => {
    const path = '/auth/login?returnTo=%2Fprofile&login_hint=alice';
    expect((await by('localhost', path)).location).toBe(`${origin}${path}&host-checked=yes`);
    const { location = '' } = await ask(origin, `${path}&host-checked=yes`, { Host: new URL(origin).host });
    expect(new URL(location).searchParams.get('login_hint')).toBe('alice');
    expect(location).not.toContain('host-checked');
  });

  test.each([
    ['longer than 2 KB', `/profile?a=${'x'.repeat(3_000)}`],
    ['a whole one', 'http://evil.example/profile'],
    ['one with a host in its path', '//evil.example/..//profile'],
    ['one that begins with two slashes', '//evil.example'],
    ['one with a backslash', '/any/\\evil.example'],
  ])('an address that cannot be repeated, %s, leads to BASE_URL too', async (_what, path) => {
    const { status, location } = await by('localhost', path);
    if (status === 404) return; // No page of ours.
    expect(status).toBe(302);
    expect(new URL(location ?? '').origin).toBe(origin);
    expect(location).toMatch(isMarked);
    expect((location ?? '').length).toBeLessThan(2_200);
  });

  test('nothing else is sent anywhere', async () => {
    const quiet = [
      ['/', {}, 200],
      ['/healthz', {}, 200],
      ['/readyz', {}, 200],
      ['/site.css', {}, 200],
      ['/signed-out', {}, 200],
      ['/nowhere', {}, 404],
      ['/auth/session', {}, 401],
      ['/auth/callback?code=a&state=b', {}, 400],
      ['/auth/frontchannel-logout?iss=a&sid=b', {}, 400],
      // What is no person opening a page.
      ['/profile', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }, 401],
      ['/profile', { 'Sec-Purpose': 'prefetch' }, 401],
    ] as const;
    for (const [path, headers, status] of quiet) {
      const answer = await by('localhost', path, headers);
      expect([path, answer.status, answer.location]).toEqual([path, status, undefined]);
    }
    const head = await ask(origin, '/profile', { Host: 'localhost' }, 'HEAD');
    expect([head.status, head.location]).toEqual([401, undefined]);
    const post = await ask(origin, '/auth/backchannel-logout', { Host: 'localhost' }, 'POST');
    expect([post.status, post.location]).toEqual([400, undefined]);
  });

  test('signed-in pages stay where they are', async () => {
    const { browser } = await pair.signIn('alice');
    const Cookie = browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    expect((await by('localhost', '/profile', { Cookie })).status).toBe(200);
    // A step-up starts where they are signed in.
    const stepUp = await by('localhost', '/strong', { Cookie });
    expect(new URL(stepUp.location ?? '').origin).toBe(pair.provider.issuer);
    const cleaned = await by('localhost', '/profile?host-checked=yes', { Cookie });
    expect([cleaned.status, cleaned.location]).toEqual([302, '/profile']);
    const outside = await by('localhost', '//evil.example/..//any/x?host-checked=yes', { Cookie });
    expect(outside.location ?? '/').toMatch(/^\/(?!\/)/);
  });
});

describe('whose name is still another at BASE_URL', () => {
  let pair: Pair;
  beforeEach(async () => {
    pair = await startPair({ env: { TRUST_PROXY_HOPS: '1', OIDC_PAR: 'off' } });
    onTestFinished(() => pair.stop());
  });
  const said = () =>
    pair.app.lines.filter(({ msg }) => msg === 'requests come by another name than BASE_URL');

  test('goes on to the provider as before, and the log says once what the proxy does not do', async () => {
    const { origin } = pair.app;
    const first = await ask(origin, '/profile', { Host: 'upstream' });
    expect(first.location).toBe(`${origin}/profile?host-checked=yes`);
    expect(said()).toEqual([]);
    for (let turn = 0; turn < 2; turn++) {
      const { location = '' } = await ask(origin, '/profile?host-checked=yes', { Host: 'upstream' });
      const target = new URL(location);
      expect(target.origin).toBe(pair.provider.issuer);
      expect(target.searchParams.get('redirect_uri')).toBe(`${origin}/auth/callback`);
    }
    const hint = expect.stringMatching(/proxy_set_header Host/);
    expect(said()).toMatchObject([{ level: 'warn', host: 'upstream', hint }]);
    // Anybody can send a name: of those there are no more than a few lines.
    for (let turn = 0; turn < 8; turn++)
      await ask(origin, '/profile?host-checked=yes', { Host: `name-${turn}` });
    expect(said()).toHaveLength(5);
  });

  test("is led nowhere by an answer that starts the sign-in once more, nor by a third party's start", async () => {
    const { origin } = pair.app;
    const first = await ask(origin, '/profile?host-checked=yes', { Host: 'upstream' });
    const state = new URL(first.location ?? '').searchParams.get('state') ?? '';
    const Cookie = (first.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ');
    const expired = new URLSearchParams({
      ...{ error: 'temporarily_unavailable', error_description: 'authentication_expired' },
      ...{ state, iss: pair.provider.issuer },
    });
    const again = await ask(origin, `/auth/callback?${expired}`, { Host: 'upstream', Cookie });
    expect([again.status, new URL(again.location ?? '').origin]).toEqual([302, pair.provider.issuer]);

    const start = `/auth/initiate-login?iss=${encodeURIComponent(pair.provider.issuer)}`;
    const asked = await ask(origin, start, { Host: 'upstream' });
    expect([asked.status, asked.location]).toEqual([200, undefined]);
  });

  test('X-Forwarded-Host of a proxy of ours counts too, and neither header can be used against BASE_URL', async () => {
    const { origin } = pair.app;
    const { host } = new URL(origin);
    const to = async (headers: Record<string, string>) =>
      new URL((await ask(origin, '/profile', headers)).location ?? '').origin;
    expect(await to({ Host: 'upstream', 'X-Forwarded-Host': host })).toBe(pair.provider.issuer);
    expect(await to({ Host: host, 'X-Forwarded-Host': 'evil.example' })).toBe(pair.provider.issuer);
    expect(await to({ Host: 'upstream', 'X-Forwarded-Host': 'evil.example, 127.0.0.1' })).toBe(origin);
    expect(said()).toEqual([]);
  });
});

test('with several providers, the choice is made at BASE_URL', async () => {
  const two = await startTwoProviders();
  onTestFinished(() => two.stop());
  const origin = two.url('');
  const { location = '' } = await ask(origin, '/profile?a=1', { Host: 'localhost' });
  expect(location).toBe(`${origin}/profile?a=1&host-checked=yes`);
  const browser = createBrowser();
  const chooser = await browser.get(location);
  expect(chooser.url).toBe(`${origin}/auth/login?returnTo=%2Fprofile%3Fa%3D1`);
  const [first] = choicesOn(chooser);
  const named = await ask(origin, first?.href ?? '', { Host: 'localhost' });
  expect(named.location).toBe(`${origin}${first?.href}&host-checked=yes`);
  const page = await two.goOn(
    browser,
    await browser.get(named.location ?? '', { follow: false }),
    'work',
    'alice',
  );
  expect([page.status, page.url]).toEqual([200, `${origin}/profile?a=1`]);
});

test('X-Forwarded-Host of anybody else counts for nothing', async () => {
  const pair = await startPair();
  onTestFinished(() => pair.stop());
  const { origin } = pair.app;
  const headers = { Host: 'localhost', 'X-Forwarded-Host': new URL(origin).host };
  expect((await ask(origin, '/profile', headers)).location).toMatch(isMarked);
});
