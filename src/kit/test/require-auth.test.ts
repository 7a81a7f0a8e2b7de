import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { readRoles, roleReader } from '../session/roles.ts';
import { getUser } from '../session/user-session.ts';
import { createBrowser, markOn } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf, type Pair, requestIdOn, startPair } from './helpers/pair.ts';

// Who may see what: one guard, three answers (R18). 401: who are you. 403: you may not. Step-up: prove it again.

const mfa = 'urn:example:mfa';
const person = (sub: string, claims: Record<string, unknown>, more: object = {}) => ({
  ...{ sub, purpose: '' },
  claims: { name: sub, ...claims },
  ...more,
});
const accounts = [
  person('admin', { roles: ['admin', 'member'], email: 'admin@example.com' }),
  person('member', { roles: ['member'] }),
  person('as-text', { roles: 'admin' }),
  person('as-words', { roles: 'admin member' }),
  person('not-admin', { roles: 'not admin' }),
  person('nothing', {}),
  person('a-number', { roles: 7 }),
  person('a-truth', { roles: true }),
  person('null', { roles: null }),
  person('keys', { roles: { admin: { 'an-org': 'example.com' }, owner: false } }),
  person('a-false-key', { roles: { admin: false, member: true } }),
  person('named', { roles: [{ name: 'admin', id: 7 }] }),
  person('nested', { roles: [['admin'], { name: 'admin' }, 7, null] }),
  person('lookalike', { roles: ['Admin', 'admin ', 'administrator', 'admi\u006e\u200b'] }),
  person('very-many', { roles: Array.from({ length: 4_500 }, (_, i) => `role-${i}`) }),
  person('very-many-and-admin', {
    roles: [...Array.from({ length: 4_499 }, (_, i) => `role-${i}`), 'admin'],
  }),
  person('weak', { roles: ['member'] }, { acr: ['urn:example:password'] }),
  person('strong', { roles: ['member'] }, { acr: [mfa] }),
  person('stale', { roles: ['member'] }, { signedInSecondsAgo: 30 * 24 * 3600 }),
];

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({
    accounts,
    routes: {
      mount(app) {
        const show: import('express').RequestHandler = (req, res) =>
          void res.type('html').send(`<h1>Seen by ${getUser(req)?.sub}</h1>`);
        app.get('/rules/any-role', requireAuth({ roles: ['admin', 'owner'] }), show);
        app.get('/rules/one-role', requireAuth({ roles: 'admin' }), show);
        app.get('/rules/all-roles', requireAuth({ allRoles: ['admin', 'member'] }), show);
        app.get('/rules/scopes', requireAuth({ scopes: ['email', 'profile'] }), show);
        app.get('/rules/missing-scope', requireAuth({ scopes: ['email', 'notes.write'] }), show);
        app.get('/rules/claims', requireAuth({ claims: ({ email }) => email === 'admin@example.com' }), show);
        app.get('/rules/truthy', requireAuth({ claims: (claims) => claims.name as boolean }), show);
        app.get('/rules/throws', requireAuth({ claims: (claims) => (claims.a as { b: boolean }).b }), show);
        app.get('/rules/acr', requireAuth({ acr: mfa }), show);
        app.get('/rules/either-acr', requireAuth({ acr: ['urn:example:password', mfa] }), show);
        app.get('/rules/unknown-acr', requireAuth({ acr: 'urn:example:retina' }), show);
        app.get('/rules/fresh', requireAuth({ maxAgeSeconds: 60 }), show);
        app.get('/rules/role-and-acr', requireAuth({ roles: 'admin', acr: mfa }), show);
        app.post('/rules/form', requireAuth(), show);
        app.post('/rules/form-role', requireAuth({ roles: 'admin' }), show);
        app.post('/rules/form-acr', requireAuth({ acr: mfa }), show);
        app.post('/rules/form-acr-back', requireAuth({ acr: mfa }, { returnTo: '/rules/acr' }), show);
        app.get('/rules/json', requireAuth({ roles: 'admin' }), (req, res) => {
          res.json({ sub: getUser(req)?.sub });
        });
      },
    },
  });
});
afterAll(() => pair?.stop());

const url = (path: string) => pair.app.url(path);

describe('an address that nobody listed', () => {
  test('is a 404 for anybody, also below a page', async () => {
    const { browser } = await pair.signIn('member');
    for (const path of ['/nowhere', '/profile/more', '/rules', '/admin/secret', '/auth/nowhere']) {
      expect((await browser.get(url(path))).status, path).toBe(404);
      expect((await createBrowser().get(url(path))).status, path).toBe(404);
    }
  });
});

describe('nobody is signed in (401)', () => {
  test('a person who opens a page is sent to sign in, path and query kept', async () => {
    const { page } = await pair.signIn('admin', '/rules/one-role?a=1&b=%20');
    expect([page.status, page.url]).toEqual([200, url('/rules/one-role?a=1&b=%20')]);
    expect(headingOf(page)).toBe('Seen by admin');
  });

  // What each kind of request looks like; a person opening a page is navigate and document.
  const scripts: [name: string, headers: Record<string, string>][] = [
    ['a fetch', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: '*/*' }],
    ['a fetch that says it wants HTML', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' }],
    ['an image', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image', Accept: 'image/*' }],
    ['a script element', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'script', Accept: '*/*' }],
    ['a style sheet', { 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'style', Accept: 'text/css' }],
    ['an event stream', { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'text/event-stream' }],
    ['a prefetch', { 'Sec-Purpose': 'prefetch' }],
    ['a prerender', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['a prefetch of older browsers', { Purpose: 'prefetch' }],
  ];
  /** Browsers without Fetch Metadata. */
  const older: [name: string, headers: Record<string, string>][] = [
    ['a script of an older browser', { Accept: 'application/json' }],
    ['a script that says so', { Accept: 'text/html', 'X-Requested-With': 'XMLHttpRequest' }],
    ['an image of an older browser', { Accept: 'image/png,image/*;q=0.8,*/*;q=0.5' }],
    ['a program that takes anything', { Accept: '*/*' }],
  ];

  test.each(scripts)('%s gets 401 as problem+json, no redirect and no cookie', async (_, headers) => {
    const browser = createBrowser({ headers });
    const answer = await browser.get(url('/profile'), { follow: false });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(JSON.parse(answer.body)).toMatchObject({ status: 401, title: 'Please sign in' });
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.location).toBeUndefined();
    expect(browser.setCookies).toEqual([]);
  });

  test.each(older)('%s gets the same without Fetch Metadata', async (_, headers) => {
    const answer = await fetchPlainly('/profile', headers);
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('location')).toBeNull();
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  test('a HEAD starts no sign-in, and pushes out none: nobody sees where it leads', async () => {
    const browser = createBrowser();
    const { location } = await browser.get(url('/profile?tab=1'), { follow: false });
    const before = pair.app.events('sign_in.started').length;
    for (const path of ['/profile', '/rules/acr', '/profile', '/rules/one-role', '/profile']) {
      const answer = await browser.request('HEAD', url(path), { follow: false });
      expect([answer.status, answer.location, answer.headers.getSetCookie()]).toEqual([401, undefined, []]);
    }
    expect(pair.app.events('sign_in.started').length).toBe(before);
    const landed = await browser.get(await pair.provider.signIn(browser, location ?? '', 'member'));
    expect([landed.status, landed.url]).toEqual([200, url('/profile?tab=1')]);
    const own = await browser.request('HEAD', url('/profile'), { follow: false });
    expect(own.status).toBe(200);
    const stepUp = await browser.request('HEAD', url('/rules/acr'), { follow: false });
    expect([stepUp.status, stepUp.location, stepUp.headers.getSetCookie()]).toEqual([401, undefined, []]);
  });

  test('a person in an older browser is sent to sign in', async () => {
    const answer = await fetchPlainly('/profile', { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' });
    expect(answer.status).toBe(302);
  });

  test('a frame is not led through a sign-in', async () => {
    const browser = createBrowser({ headers: { 'Sec-Fetch-Dest': 'iframe' } });
    const answer = await browser.get(url('/profile'), { follow: false });
    expect([answer.status, answer.location]).toEqual([401, undefined]);
    expect(browser.setCookies).toEqual([]);
  });

  test('a user who posts a form reads that nothing was saved, and can sign in', async () => {
    const browser = createBrowser();
    const page = await browser.post(url('/rules/form?draft=1'), { text: 'two hours of work' });
    expect([page.status, headingOf(page)]).toEqual([401, "You've been signed out"]);
    expect(page.body).toContain('Nothing was saved yet.');
    expect(page.body).not.toContain('two hours of work');
    expect(browser.setCookies).toEqual([]);
    expect(requestIdOn(page)).not.toBe('');
  });

  // The address of the form itself takes no GET: whoever came back to it would end on a 405.
  const holders: [referer: string | undefined, back: string][] = [
    ['/profile?draft=1', '/profile?draft=1'],
    ['', '/'],
    ['/auth/logout', '/'],
    ['https://evil.example/profile', '/'],
    ['.evil.example/profile', '/'],
    [undefined, '/'],
  ];
  test.each(holders)('a form from %s leads back to %s after a sign-in', async (referer, back) => {
    const from = referer?.startsWith('https:') ? referer : pair.app.origin + referer;
    const headers: Record<string, string> = referer === undefined ? {} : { Referer: from };
    const browser = createBrowser();
    const refused = await browser.post(url('/rules/form?draft=1'), { text: 'x' }, { headers });
    expect(refused.status).toBe(401);
    const again = /<main[\s\S]*href="(\/auth\/login[^"]*)"/.exec(refused.body)?.[1] ?? '';
    expect(again).toBe(`/auth/login?returnTo=${encodeURIComponent(back)}`);
    const { page } = await pair.signIn('member', again, browser);
    expect([page.status, page.url]).toEqual([200, url(back)]);
  });

  test('a form of a page leads back to that page', async () => {
    const browser = createBrowser();
    const refused = await browser.post(url('/sessions/end-others'));
    const again = /<main[\s\S]*href="(\/auth\/login[^"]*)"/.exec(refused.body)?.[1] ?? '';
    const { page } = await pair.signIn('member', again, browser);
    expect([page.status, page.url]).toEqual([200, url('/sessions')]);
  });

  test('a form that is refused for a role leads back to its page, not to its address', async () => {
    const { browser } = await pair.signIn('member');
    const headers = { Referer: url('/profile?draft=1') };
    const refused = await browser.post(url('/rules/form-role'), { text: 'x' }, { headers });
    expect(refused.status).toBe(403);
    expect(refused.body).toContain('name="target_link_uri" value="/profile?draft=1"');
  });

  test('whose session has ended reads why first, and lands where they wanted', async () => {
    const { browser, page } = await pair.signIn('admin');
    const cookie = browser.cookie('session');
    await browser.submit(page);
    browser.setCookie(pair.app.origin, `session=${cookie}; Path=/`);
    const sent = await browser.get(url('/rules/one-role?a=1'), { follow: false });
    expect([sent.status, sent.headers.get('location')]).toEqual([
      302,
      '/signed-out?returnTo=%2Frules%2Fone-role%3Fa%3D1',
    ]);
    const why = await browser.get(sent.location ?? '');
    expect([why.status, headingOf(why)]).toEqual([200, 'Your session has ended']);
    const again = why.body.match(/href="(\/auth\/login[^"]*)"/)?.[1] ?? '';
    const { page: landed } = await pair.signIn('admin', again, browser);
    expect([landed.status, landed.url]).toEqual([200, url('/rules/one-role?a=1')]);
  });

  test('whose session was ended from another device reads so', async () => {
    const [mine, other] = [
      await pair.signIn('member', '/sessions'),
      await pair.signIn('member', '/sessions'),
    ];
    const ended = await other.browser.post(url('/sessions/end-others'), markOn(other.page));
    expect(ended.status).toBe(200);
    const why = await mine.browser.get(url('/profile?x=1'));
    expect(why.url).toBe(url('/signed-out?returnTo=%2Fprofile%3Fx%3D1'));
    expect(why.body).toContain('You signed this browser out from another device');
  });
});

/** A request with these headers and no others: fetch adds its own Fetch Metadata. */
async function fetchPlainly(path: string, headers: Record<string, string>) {
  const { request } = await import('node:http');
  return new Promise<{ status: number | undefined; headers: Headers }>((resolve, reject) => {
    const req = request(url(path), { headers, agent: false }, (res) => {
      const seen = new Headers();
      for (const [name, values] of Object.entries(res.headersDistinct)) {
        for (const value of values ?? []) seen.append(name, value);
      }
      res.resume().on('end', () => resolve({ status: res.statusCode, headers: seen }));
    });
    req.on('error', reject).end();
  });
}

describe('signed in, but not allowed (403)', () => {
  const judged: [path: string, account: string, status: number, needed?: string][] = [
    ['/rules/any-role', 'admin', 200],
    ['/rules/any-role', 'member', 403, 'one of these roles: admin, owner.'],
    ['/rules/one-role', 'as-text', 200],
    ['/rules/one-role', 'as-words', 403],
    ['/rules/one-role', 'not-admin', 403],
    ['/admin', 'not-admin', 403],
    ['/rules/one-role', 'keys', 200],
    ['/rules/one-role', 'a-false-key', 403],
    ['/rules/one-role', 'named', 200],
    ['/rules/one-role', 'very-many-and-admin', 200],
    ['/rules/one-role', 'member', 403, 'the “admin” role.'],
    ['/rules/one-role', 'nothing', 403],
    ['/rules/one-role', 'a-number', 403],
    ['/rules/one-role', 'a-truth', 403],
    ['/rules/one-role', 'null', 403],
    ['/rules/one-role', 'nested', 403],
    ['/rules/one-role', 'lookalike', 403],
    ['/rules/one-role', 'very-many', 403],
    ['/rules/all-roles', 'admin', 200],
    ['/rules/all-roles', 'as-text', 403, 'all of these roles: admin, member.'],
    ['/rules/scopes', 'member', 200],
    ['/rules/missing-scope', 'admin', 403, 'these permissions: email, notes.write.'],
    ['/rules/claims', 'admin', 200],
    ['/rules/claims', 'member', 403, "doesn't have the access that this page needs."],
    ['/rules/truthy', 'admin', 403],
    ['/admin', 'admin', 200],
    ['/admin', 'member', 403, 'the “admin” role.'],
  ];
  test.each(judged)('%s: the account "%s" gets %i', async (path, account, status, needed) => {
    const denied = pair.app.events('access.denied').length;
    const { page } = await pair.signIn(account, path);
    expect([page.status, page.url]).toEqual([status, url(path)]);
    if (status === 200) return;
    expect(headingOf(page)).toBe("You don't have access to this page");
    if (needed) expect(textOf(page)).toContain(needed);
    // A 403 never starts a sign-in, and names nothing that the account holds.
    expect(page.location).toBeUndefined();
    expect(page.body).not.toContain('Roles on your account');
    expect(pair.app.events('access.denied').slice(denied)).toMatchObject([{ sub: account }]);
  });

  test('a rule that throws lets nobody through', async () => {
    const { page } = await pair.signIn('admin', '/rules/throws');
    expect(page.status).toBe(500);
    expect(page.body).not.toMatch(/TypeError|undefined|Seen by/);
  });

  test('a script gets JSON', async () => {
    const { browser } = await pair.signIn('member');
    const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
    const answer = await browser.get(url('/rules/json'), { headers });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    const { browser: admin } = await pair.signIn('admin');
    expect(JSON.parse((await admin.get(url('/rules/json'), { headers })).body)).toEqual({ sub: 'admin' });
  });

  test('offers to use another account, who then lands here; the one before is signed out', async () => {
    const { browser, page } = await pair.signIn('member', '/rules/one-role?a=1');
    const old = browser.cookie('session');
    expect(page.body).toContain('Use another account');
    // The first form is the sign-out button of every page.
    const form = page.body.match(/<form method="post" action="\/auth\/initiate-login">[\s\S]*?<\/form>/)?.[0];
    const sent = await browser.submit({ ...page, body: form ?? '' }, {}, { follow: false });
    expect(sent.status).toBe(200);
    expect((await browser.get(url('/profile'))).body, 'still signed in until then').toContain('member');
    const asked = pair.provider.requests.filter((line) => line.startsWith('POST /interaction')).length;
    const landed = await pair.goOn(browser, sent, 'admin');
    expect([landed.status, landed.url]).toEqual([200, url('/rules/one-role?a=1')]);
    const forms = pair.provider.requests.filter((line) => line.startsWith('POST /interaction')).length;
    expect(forms, 'the provider asked who it is').toBe(asked + 1);
    const before = createBrowser();
    before.setCookie(pair.app.origin, `session=${old}; Path=/`);
    expect((await before.get(url('/profile'))).url).toBe(url('/signed-out?returnTo=%2Fprofile'));
  });

  test('in development, and only there, says what the account holds', async () => {
    const dev = await startPair({ accounts, env: { NODE_ENV: 'development' } });
    const { page } = await dev.signIn('member', '/admin');
    expect(page.status).toBe(403);
    expect(page.body).toContain('Roles on your account');
    expect(page.body).toMatch(/<dd>member<\/dd>/);
    await dev.stop();
  });
});

describe('the roles claim', () => {
  const claims = {
    roles: ['a'],
    role: 'site admin',
    realm_access: { roles: ['b', 'c d'], mixed: ['b', 7], 'with.dot': ['e'] },
    'https://example.com/roles': ['f'],
    'flat.name': 'g',
    flat: { name: 'not this one' },
    groups: { toString: 'x' },
    resource_access: {
      'my.app.example': { roles: ['h'], 'roles.more': ['i'] },
      my: { 'app.example': { roles: ['not this one'] }, other: { roles: ['j'] } },
      'my.other': { nothing: true },
    },
  };
  test.each([
    ['roles', ['a']],
    ['role', ['site admin']],
    ['realm_access.roles', ['b', 'c d']],
    ['realm_access.mixed', []],
    ['realm_access.with.dot', ['e']],
    ['https://example.com/roles', ['f']],
    ['flat.name', ['g']],
    ['resource_access.my.app.example.roles', ['h']],
    ['resource_access.my.app.example.roles.more', ['i']],
    ['resource_access.my.other.roles', ['j']],
    ['resource_access.my.app.roles', []],
    ['realm_access', []],
    ['realm_access.roles.0', ['b']],
    ['nowhere', []],
    ['nowhere.roles', []],
    ['roles.length', []],
    ['role.length', []],
    ['__proto__.roles', []],
    ['constructor.name', []],
    ['groups.toString', ['x']],
    ['groups.constructor.name', []],
    [Array(2_000).fill('a').join('.'), []],
  ])('at %s gives %j', (path, roles) => {
    expect(readRoles(claims, path)).toEqual(roles);
  });

  test('named by a whole dotted name counts before one that the dots lead to, however many there are', () => {
    const long = Array(50).fill('a').join('.');
    expect(readRoles({ [long]: 'admin', a: { a: 'no' } }, long)).toEqual(['admin']);
  });

  test.each<[unknown, string[], string?]>([
    ['', []],
    [' ', [' ']],
    ['admin,member', ['admin,member']],
    [[], []],
    [
      ['a', '', 'b c'],
      ['a', 'b c'],
    ],
    [{}, []],
    [{ admin: true, a: {}, b: false, c: 'true', d: 1, e: null, f: ['x'], '': true }, ['admin', 'a']],
    [{ admin: false }, []],
    [JSON.parse('{"__proto__": true, "constructor": {}}'), ['__proto__', 'constructor']],
    [
      [{ name: 'a' }, { name: 'b c', id: 1 }],
      ['a', 'b c'],
    ],
    [7, [], 'number'],
    [true, [], 'boolean'],
    [null, [], 'null'],
    [{ admin: 'true' }, [], 'an object of text'],
    [{ name: 'admin', ids: [1] }, [], 'an object of text and list'],
    [['admin', 7], [], 'a list of text and number'],
    [['admin', { name: 'admin' }], [], 'a list of text and object'],
    [[['admin']], [], 'a list of list'],
    [[null, true], [], 'a list of null and boolean'],
    [[{ name: 'a' }, { name: 7 }], ['a'], 'a list of objects, some without a name'],
    [[{ id: 'admin' }], [], 'a list of objects, some without a name'],
    [[JSON.parse('{"__proto__": {"name": "admin"}}')], [], 'a list of objects, some without a name'],
  ])('that is %j gives %j, and a warning where it has another shape', (value, roles, shape) => {
    const warnings: unknown[] = [];
    const rolesOf = roleReader('roles', { warn: (line: unknown) => void warnings.push(line) });
    expect(rolesOf({ roles: value })).toEqual(roles);
    const hint = expect.stringContaining('OIDC_ROLES_CLAIM');
    expect(warnings).toEqual(shape ? [{ claim: 'roles', shape, hint }] : []);
  });

  test('of a shape that gives no role is in the log once an hour, not at every page', () => {
    const warnings: unknown[] = [];
    let now = 0;
    const log = { warn: (line: unknown) => void warnings.push(line) };
    const rolesOf = roleReader('a.b', log, () => now);
    const counts = [0, 1, 3_599_999, 3_600_000, 3_600_001, 7_200_000].map((at) => {
      now = at;
      rolesOf({ a: { b: 7 } });
      rolesOf({ a: { b: ['fine'] } });
      rolesOf({});
      return warnings.length;
    });
    expect(counts).toEqual([1, 1, 1, 2, 2, 3]);
  });

  test('is named in the log with its shape, and with nothing that it holds', async () => {
    await pair.signIn('nested', '/rules/one-role');
    await pair.signIn('a-number', '/rules/one-role');
    const warnings = pair.app.lines.filter(({ msg }) => msg.startsWith('the roles claim has a shape'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ level: 'warn', claim: 'roles' });
    expect(JSON.stringify(warnings)).not.toContain('admin');
  });

  test('at a dotted path decides as any other', async () => {
    const nested = await startPair({
      accounts: [
        person('inside', { realm_access: { roles: ['admin'] } }),
        person('beside', { roles: ['admin'] }),
      ],
      env: { OIDC_ROLES_CLAIM: 'realm_access.roles' },
    });
    expect((await nested.signIn('inside', '/admin')).page.status).toBe(200);
    expect((await nested.signIn('beside', '/admin')).page.status).toBe(403);
    await nested.stop();
  });
});

describe('not strong or fresh enough (step-up)', () => {
  const asked = (location = '') => new URL(location).searchParams;

  test('asks the provider for the strength, and what comes back opens the page', async () => {
    const { browser } = await pair.signIn('member');
    const old = browser.cookie('session');
    const sent = await browser.get(url('/rules/acr?a=1'), { follow: false });
    expect(sent.status).toBe(302);
    const landed = await pair.goOn(browser, sent, 'member');
    expect([landed.status, landed.url]).toEqual([200, url('/rules/acr?a=1')]);
    expect(browser.cookie('session'), 'a step-up changes the session id (R5)').not.toBe(old);
    expect((await browser.get(url('/rules/acr'), { follow: false })).status).toBe(200);
    expect((await browser.get(url('/rules/either-acr'), { follow: false })).status).toBe(200);
  });

  test('says acr_values and max_age to the provider', async () => {
    const plain = await startPair({ accounts, env: { OIDC_PAR: 'off' } });
    const { browser, page } = await plain.signIn('stale', '/sessions');
    const form = markOn(page);
    const sent = await browser.post(plain.app.url('/sessions/end-others'), form, { follow: false });
    expect(sent.status).toBe(200);
    expect(asked(sent.location).get('max_age')).toBe('600');
    expect(asked(sent.location).get('acr_values')).toBeNull();
    await plain.stop();
  });

  test('is not asked of whom it would not help: what the account lacks comes first', async () => {
    const { page } = await pair.signIn('strong', '/rules/role-and-acr');
    expect(page.status).toBe(403);
  });

  test('an account that cannot reach the strength gets a page that says so, not a loop', async () => {
    const { browser } = await pair.signIn('weak');
    const sent = await browser.get(url('/rules/acr'), { follow: false });
    const page = await pair.goOn(browser, sent, 'weak');
    expect([page.status, headingOf(page)]).toEqual([403, 'You need a stronger way to sign in']);
    expect(page.url).toMatch(/\/auth\/callback\?/);
    expect(pair.app.events('sign_in.failed').at(-1)?.reason).toBe('acr_not_met');
    expect((await browser.get(url('/profile'))).status, 'still signed in as before').toBe(200);
  });

  test('an account that never asks again for max_age gets a page that says so, not a loop', async () => {
    const { browser } = await pair.signIn('stale');
    const sent = await browser.get(url('/rules/fresh'), { follow: false });
    expect(sent.status).toBe(302);
    const page = await pair.goOn(browser, sent, 'stale');
    expect([page.status, headingOf(page)]).toEqual([403, 'Please sign in again']);
    expect(pair.app.events('sign_in.failed').at(-1)?.reason).toBe('not_fresh');
    expect((await browser.get(url('/profile'))).status).toBe(200);
  });

  test('a recent sign-in needs no other', async () => {
    const { page } = await pair.signIn('member', '/rules/fresh');
    expect(page.status).toBe(200);
  });

  test('by another user ends the session of the one before', async () => {
    const { browser } = await pair.signIn('member');
    const old = browser.cookie('session');
    const sent = await browser.get(url('/rules/acr'), { follow: false });
    const landed = await pair.goOn(browser, sent, 'strong');
    expect(headingOf(landed)).toBe('Seen by strong');
    const before = createBrowser();
    before.setCookie(pair.app.origin, `session=${old}; Path=/`);
    expect((await before.get(url('/profile'), { follow: false })).status).toBe(302);
  });

  test('a script gets an answer, and is led nowhere', async () => {
    const { browser } = await pair.signIn('member');
    const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
    const before = browser.setCookies.length;
    const answer = await browser.get(url('/rules/acr'), { headers, follow: false });
    expect([answer.status, answer.location]).toEqual([401, undefined]);
    expect(browser.setCookies.length).toBe(before);
  });

  test('a form is sent off only where its page is known, and its sender comes back to that page', async () => {
    const { browser } = await pair.signIn('member');
    const lost = await browser.post(url('/rules/form-acr'), { text: 'x' }, { follow: false });
    expect([lost.status, headingOf(lost)]).toEqual([401, 'Please sign in again']);
    const sent = await browser.post(url('/rules/form-acr-back'), { text: 'x' }, { follow: false });
    expect([sent.status, new URL(sent.location ?? '').origin]).toEqual([200, pair.provider.issuer]);
    expect((await pair.goOn(browser, sent, 'member')).url).toBe(url('/rules/acr'));
  });

  test('a form that says by its Referer where it stands is sent off too, and its sender comes back there', async () => {
    const { browser } = await pair.signIn('member');
    const headers = { Referer: url('/profile?draft=1') };
    const sent = await browser.post(url('/rules/form-acr'), { text: 'x' }, { headers, follow: false });
    expect([sent.status, new URL(sent.location ?? '').origin]).toEqual([200, pair.provider.issuer]);
    expect((await pair.goOn(browser, sent, 'member')).url).toBe(url('/profile?draft=1'));
  });

  const claims: [name: string, auth_time: unknown, status: number][] = [
    ['in the future', Math.floor(Date.now() / 1000) + 3600, 403],
    // It counts as absent, and whoever ends their own sessions goes on with the fresh answer (R18).
    ['missing', undefined, 200],
    ['a text', 'just now', 200],
    ['zero', 0, 200],
    ['older than asked for', Math.floor(Date.now() / 1000) - 7200, 403],
    ['a moment ago', Math.floor(Date.now() / 1000) - 5, 200],
  ];
  test.each(claims)(
    'an auth_time that is %s (%j) where max_age was sent gives %i',
    async (_, auth_time, status) => {
      await withPair({}, async ({ op, app, open, browser }) => {
        op.next({ idToken: { auth_time: Math.floor(Date.now() / 1000) - 7200 } });
        const form = markOn(await open('/sessions'));
        op.next({ idToken: { auth_time } });
        const page = await browser.post(app.url('/sessions/end-others'), form);
        expect(op.latest.authorization?.get('max_age')).toBe('600');
        expect(op.latest.authorization?.get('prompt')).toBe('login');
        expect(page.status, page.body).toBe(status);
        expect(op.calls.authorization, 'asked twice in all').toBe(2);
        if (status !== 200) expect((await open('/profile')).status).toBe(200);
      });
    },
  );
});

describe('GET /auth/session', () => {
  test('says who is signed in and until when, and holds no token', async () => {
    const { browser } = await pair.signIn('admin');
    const answer = await browser.get(url('/auth/session'));
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const said = JSON.parse(answer.body);
    expect(Object.keys(said).sort()).toEqual(['expiresAt', 'idleExpiresAt', 'user']);
    expect(said.user).toEqual({
      iss: pair.provider.issuer,
      sub: 'admin',
      name: 'admin',
      email: 'admin@example.com',
      roles: ['admin', 'member'],
    });
    const minutes = (time: string) => Math.round((Date.parse(time) - Date.now()) / 60_000);
    expect([minutes(said.idleExpiresAt), minutes(said.expiresAt)]).toEqual([30, 480]);
    expect(answer.body).not.toMatch(/token|eyJ/);
  });

  test('is a 401 for nobody, to a person as well: it never leads to a sign-in', async () => {
    const browser = createBrowser();
    expect((await browser.get(url('/auth/session'), { follow: false })).status).toBe(401);
    const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
    const answer = await browser.get(url('/auth/session'), { headers, follow: false });
    expect(JSON.parse(answer.body)).toMatchObject({ status: 401 });
    expect(browser.setCookies).toEqual([]);
  });
});

describe('GET /api/hello, the example of a JSON route', () => {
  const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };

  test('greets who is signed in', async () => {
    const { browser } = await pair.signIn('admin');
    const answer = await browser.get(url('/api/hello'), { headers });
    expect([answer.status, JSON.parse(answer.body)]).toEqual([200, { hello: 'admin' }]);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  test('is a 401 for nobody', async () => {
    const answer = await createBrowser().get(url('/api/hello'), { headers, follow: false });
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      401,
      'application/problem+json; charset=utf-8',
    ]);
  });
});
