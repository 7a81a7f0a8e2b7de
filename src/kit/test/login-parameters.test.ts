import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Browser, createBrowser, type Page, readForm } from './helpers/browser.ts';
import { startHttpsPair } from './helpers/https-front.ts';
import { plain } from './helpers/misbehaving-profiles.ts';
import { type Pair as LyingPair, withPair } from './helpers/misbehaving-sign-in.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// What a link to /auth/login may ask of the provider: what the site's `loginParameters` names, and nothing else.

vi.setConfig({ testTimeout: 60_000, maxConcurrency: 8 });

const link = (query: Record<string, string> | [string, string][] | string) =>
  `/auth/login?${new URLSearchParams(query)}`;

/** What the request for a sign-in holds that this link begins, without what differs each time. */
async function asked(pair: Pair, query: Parameters<typeof link>[0], browser = createBrowser()) {
  const { location = '' } = await browser.get(pair.app.url(link(query)), { follow: false });
  const fresh = ['state', 'nonce', 'code_challenge'];
  return Object.fromEntries([...new URL(location).searchParams].filter(([name]) => !fresh.includes(name)));
}

/** Never a link's to set. */
const protocols = [
  ...['response_type', 'response_mode', 'client_id', 'redirect_uri', 'scope', 'state', 'nonce'],
  ...['code_challenge', 'code_challenge_method', 'request', 'request_uri', 'id_token_hint', 'max_age'],
  ...['acr_values', 'resource', 'audience', 'dpop_jkt', 'client_secret', 'client_assertion'],
];

describe('a site that names no parameters', () => {
  let pair: Pair;
  let usual: Record<string, string>;
  beforeAll(async () => {
    pair = await startPair({ env: { OIDC_PAR: 'off', NODE_ENV: 'development' } });
    usual = await asked(pair, '');
  });
  afterAll(() => pair?.stop());

  test.each([
    ['login_hint', 'alice@example.com'],
    ['login_hint', 'Zoë & "friends" + 100 %'],
    ['ui_locales', 'de-CH en'],
    ['prompt', 'create'],
    ['prompt', 'select_account'],
  ])('lets a link send %s=%s', async (name, value) => {
    expect(await asked(pair, { [name]: value })).toEqual({ ...usual, [name]: value });
  });

  test.each([
    ...['none', 'login', 'consent', 'create login', 'none create', 'Create', 'create ', ''].map((value) => [
      'prompt',
      value,
    ]),
    ...['domain_hint', 'kc_idp_hint', 'organization', 'hd', 'connection', 'claims'].map((name) => [
      name,
      'x',
    ]),
    ...['Login_Hint', 'LOGIN_HINT', 'login_hint ', 'login_hint[]', '__proto__', 'constructor', ''].map(
      (name) => [name, 'x'],
    ),
    ...protocols.map((name) => [name, 'x']),
    ['login_hint', ''],
    ['login_hint', 'a\nb'],
    ['login_hint', 'a\u0000b'],
    ['login_hint', 'a\u0085b'],
  ])('drops %j=%j, and signs in', async (name, value) => {
    expect(await asked(pair, { [name as string]: value as string })).toEqual(usual);
  });

  test('drops a parameter that comes twice, and takes the others', async () => {
    const query: [string, string][] = [
      ['login_hint', 'alice'],
      ['ui_locales', 'de'],
      ['login_hint', 'bob'],
    ];
    expect(await asked(pair, query)).toEqual({ ...usual, ui_locales: 'de' });
    const same: [string, string][] = [
      ['prompt', 'create'],
      ['prompt', 'create'],
    ];
    expect(await asked(pair, same)).toEqual(usual);
  });

  test('says in the development log what was dropped: once a name, with what to do, and no value', async () => {
    const said = () => pair.app.lines.filter(({ msg }) => /link to .auth.login was dropped/.test(msg));
    await asked(pair, { fc_hint: 'someone@private.example' });
    await asked(pair, { fc_hint: 'another@private.example', 'odd name!': 'x' });
    const lines = said().filter(({ parameter }) => parameter === 'fc_hint');
    expect(lines).toMatchObject([{ hint: expect.stringContaining('`loginParameters` of site.ts') }]);
    expect(JSON.stringify(pair.app.lines)).not.toMatch(/private\.example|odd name/);
    await asked(
      pair,
      Object.fromEntries(Array.from({ length: 300 }, (_, number) => [`made_up_${number}`, 'x'])),
    );
    expect(said().length).toBe(50);
  });

  test('signs in by such a link, and lands on the page asked for', async () => {
    const browser = createBrowser();
    const query = { login_hint: 'bob', ui_locales: 'en', returnTo: '/profile?tab=2' };
    const sent = await browser.get(pair.app.url(link(query)), { follow: false });
    const page = await pair.goOn(browser, sent, 'bob');
    expect([page.status, page.url]).toEqual([200, pair.app.url('/profile?tab=2')]);
  });
});

test('in production nothing is logged of what was dropped', async () => {
  const pair = await startPair({ env: { OIDC_PAR: 'off' } });
  try {
    await asked(pair, { hd: 'example.com' });
    expect(pair.app.lines.filter(({ msg }) => /dropped/.test(msg))).toEqual([]);
  } finally {
    await pair.stop();
  }
});

describe('a site that names its parameters', () => {
  let pair: Pair;
  let usual: Record<string, string>;
  const loginParameters = [
    'organization',
    'prompt',
    'hd=example.com',
    'hd=example.org',
    'screen_hint=signup',
  ];
  beforeAll(async () => {
    pair = await startPair({ env: { OIDC_PAR: 'off' }, parts: { loginParameters } });
    usual = await asked(pair, '');
  });
  afterAll(() => pair?.stop());

  test.each([
    ['organization', 'acme'],
    ['hd', 'example.com'],
    ['hd', 'example.org'],
    ['screen_hint', 'signup'],
    ['prompt', 'create'],
    ['prompt', 'login consent'],
  ])('lets a link send %s=%s', async (name, value) => {
    expect(await asked(pair, { [name]: value })).toEqual({ ...usual, [name]: value });
  });

  test.each([
    ['hd', 'example.net'],
    ['screen_hint', 'login'],
    ['login_hint', 'alice'],
    ['ui_locales', 'de'],
    ['prompt', 'none'],
    ['prompt', 'NONE'],
    ['prompt', 'login none'],
    ['prompt', 'login\tnone'],
    ['prompt', 'none login'],
  ])('drops %s=%j', async (name, value) => {
    expect(await asked(pair, { [name]: value })).toEqual(usual);
  });
});

test('an empty list lets no link send anything, and there is no sign-up link', async () => {
  const pair = await startPair({ env: { OIDC_PAR: 'off' }, parts: { loginParameters: [] } });
  try {
    const usual = await asked(pair, '');
    expect(await asked(pair, { login_hint: 'alice', prompt: 'create', ui_locales: 'de' })).toEqual(usual);
    expect((await createBrowser().get(pair.app.url('/'))).body).not.toContain('Sign up');
  } finally {
    await pair.stop();
  }
});

describe.concurrent('the parameters of a link', () => {
  const metadata = (prompt_values_supported?: unknown) => ({
    op: { profile: { ...plain, metadata: { prompt_values_supported } } },
  });
  const parts = { loginParameters: ['login_hint', 'ui_locales', 'prompt', 'organization', 'hd', 'claims'] };
  const sent = ({ op }: LyingPair) => Object.fromEntries(op.latest.authorization ?? []);
  const query = { login_hint: 'zoë@example.com', ui_locales: 'de', prompt: 'select_account', hd: 'a b' };

  test.each([true, false])('reach the provider, by PAR: %s', (par) =>
    withPair({ op: { par }, parts }, async (pair) => {
      expect((await pair.open(link({ ...query, returnTo: '/profile' }))).url).toBe(pair.app.url('/profile'));
      expect(pair.op.calls.par).toBe(par ? 1 : 0);
      expect(sent(pair)).toMatchObject(query);
    }),
  );

  test('are kept when the sign-in begins again because its page had expired', () =>
    withPair({ parts }, async (pair) => {
      const { op, app, browser } = pair;
      const { location = '' } = await browser.get(app.url(link(query)), { follow: false });
      const error = { error: 'temporarily_unavailable', error_description: 'authentication_expired' };
      op.next({ answer: { code: undefined, ...error } });
      const callback = await browser.get(location, { follow: false });
      const again = await browser.get(callback.location ?? '', { follow: false });
      expect(again.location).not.toBe(location);
      expect(Object.fromEntries(new URL(again.location ?? '').searchParams)).toMatchObject(query);
    }));

  test.each([
    ['create alone', ['create', 'login'], {}, 'create', 'create'],
    ['create alone', ['create', 'login'], {}, 'login create', 'create'],
    [
      'create alone, whatever is always asked',
      ['create'],
      { OIDC_PROMPT: 'login consent' },
      'create',
      'create',
    ],
    ['create where nobody says what there is', undefined, {}, 'create', 'create'],
    ['nothing where no accounts are made', ['login', 'none'], {}, 'create', undefined],
    [
      'what is always asked where no accounts are made',
      ['login'],
      { OIDC_PROMPT: 'login' },
      'create',
      'login',
    ],
    ['what is always asked where nobody knows', undefined, { OIDC_PROMPT: 'login' }, 'create', 'login'],
    [
      'a login that is always asked too',
      undefined,
      { OIDC_PROMPT: 'login' },
      'select_account',
      'select_account login',
    ],
    [
      'a login that OIDC_AUTHORIZATION_PARAMETERS asks too',
      undefined,
      { OIDC_AUTHORIZATION_PARAMETERS: 'prompt=login' },
      'select_account',
      'select_account login',
    ],
    ['login where there is no choice of accounts', ['login'], {}, 'select_account', 'login'],
  ])('ask %s (%j, %j): prompt=%s', (_, offered, env, prompt, expected) =>
    withPair({ ...metadata(offered), env, parts }, async (pair) => {
      await pair.open(link({ prompt }));
      expect(sent(pair).prompt).toBe(expected);
    }),
  );

  test('cannot change what OIDC_AUTHORIZATION_PARAMETERS says, while they change the language', () => {
    const env = {
      OIDC_AUTHORIZATION_PARAMETERS: 'hd=example.com&organization=the+acme%26co',
      OIDC_UI_LOCALES: 'fr',
    };
    return withPair({ env, parts }, async (pair) => {
      await pair.open('/profile');
      expect(sent(pair)).toMatchObject({ hd: 'example.com', organization: 'the acme&co', ui_locales: 'fr' });
      await pair.browser.get(pair.app.url('/'));
      pair.browser.clearCookies();
      await pair.open(link({ hd: 'evil.example', organization: 'evil', ui_locales: 'de', login_hint: 'a' }));
      expect(sent(pair)).toMatchObject({
        ...{ hd: 'example.com', organization: 'the acme&co' },
        ...{ ui_locales: 'de', login_hint: 'a' },
      });
    });
  });
});

test('the parameters of a link are kept by form_post too, where the sign-in begins again by the address', async () => {
  const pair = await startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post', OIDC_PAR: 'off' });
  try {
    const browser = createBrowser({ ca: pair.ca });
    const wanted = { login_hint: 'zoë & co', ui_locales: 'de' };
    const { location = '' } = await browser.get(pair.url(link(wanted)), { follow: false });
    const { url, form = {} } = await pair.provider.answer(browser, location, 'alice');
    const { code: _, ...rest } = form;
    const expired = { error: 'temporarily_unavailable', error_description: 'authentication_expired' };
    const elsewhere = { follow: (to: string) => to.startsWith(pair.url('/')) };
    const again = await browser.post(url, { ...rest, ...expired }, elsewhere, pair.provider.issuer);
    const second = new URL(again.location ?? '').searchParams;
    expect(Object.fromEntries(second)).toMatchObject(wanted);
  } finally {
    await pair.stop();
  }
});

describe('a link that asks too much', () => {
  const names = Array.from({ length: 40 }, (_, number) => `hint_${number}`);
  const parts = { loginParameters: [...names, 'login_hint', 'prompt=create', 'ui_locales'] };
  const longest = `/${'p'.repeat(2_047)}`;
  const queries: [what: string, query: Record<string, string>][] = [
    ['thousands of letters', { login_hint: 'x'.repeat(9_000), hint_1: 'x' }],
    ['a long value', { login_hint: 'x'.repeat(3_000) }],
    ['letters of three bytes', { login_hint: 'あ'.repeat(200) }],
    ['letters that JSON escapes', { login_hint: '"\\'.repeat(150) }],
    ['letters that addresses escape', { login_hint: '&%'.repeat(300) }],
    ['many values', Object.fromEntries(names.map((name) => [name, 'x'.repeat(50)]))],
    ['many short values', Object.fromEntries(names.map((name) => [name, 'あ']))],
  ];

  test.each(queries.flatMap(([what, query]) => ['off', 'auto'].map((par) => ({ what, query, par }))))(
    'by $what (PAR $par) gets a cookie and an address that browsers and servers take, and signs in',
    async ({ query, par }) => {
      const pair = await startPair({ env: { OIDC_PAR: par }, parts });
      try {
        const browser = createBrowser();
        const wanted = { ...query, prompt: 'create', returnTo: longest };
        const sent = await browser.get(pair.app.url(link(wanted)), { follow: false });
        expect(sent.location?.length).toBeLessThan(2_000);
        const [cookie = ''] = sent.headers.getSetCookie();
        expect(cookie.length).toBeLessThan(4_093);
        const params = new URL(sent.location ?? '').searchParams;
        const tooLong = JSON.stringify(query).length > 8_000;
        if (par === 'off') expect(params.get('prompt')).toBe(tooLong ? null : 'create');
        if (tooLong) return;
        const page = await signUp(browser, sent, 'Zoë Zander');
        expect(page.url).toBe(pair.app.url(longest));
        expect((await browser.get(pair.app.url('/profile'))).body).toContain('Zoë Zander');
      } finally {
        await pair.stop();
      }
    },
  );

  test('loses its longest parameters first where the address would be too long, and the log names them', async () => {
    const env = { OIDC_PAR: 'off', OIDC_SCOPE: `openid ${'scope '.repeat(190).trim()}` };
    const pair = await startPair({ env, parts });
    try {
      const query = { hint_1: 'x'.repeat(350), hint_2: 'x'.repeat(200), hint_3: 'x' };
      const params = await asked(pair, query);
      expect(params).toMatchObject({ hint_2: query.hint_2, hint_3: 'x' });
      expect(params.hint_1).toBeUndefined();
      const lines = pair.app.lines.filter(({ msg }) => /address would have been too long/.test(msg));
      expect(lines).toMatchObject([{ parameters: ['hint_1'], hint: expect.stringContaining('OIDC_PAR') }]);
    } finally {
      await pair.stop();
    }
  });
});

test('what the settings make too long is sent as it is, and no link is blamed', async () => {
  const pair = await startPair({
    env: { OIDC_PAR: 'off', OIDC_SCOPE: `openid ${'scope '.repeat(320).trim()}` },
  });
  try {
    const params = await asked(pair, '');
    expect(params.scope?.length).toBeGreaterThan(1_900);
    expect(pair.app.lines.filter(({ msg }) => /too long/.test(msg))).toEqual([]);
    expect(await asked(pair, { login_hint: 'alice', prompt: 'create' })).toEqual({
      ...params,
      prompt: 'create',
    });
  } finally {
    await pair.stop();
  }
});

/** The development provider's page for a new account, filled in. */
async function signUp(browser: Browser, sent: Page, name: string, visit = {}): Promise<Page> {
  const form = await browser.get(sent.location ?? '');
  expect(form.body).toContain('<h1>Create an account</h1>');
  return browser.post(readForm(form).action, { name }, visit, form.url);
}

describe('somebody who is signed in and opens such a link', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      env: { OIDC_PAR: 'off' },
      parts: { loginParameters: ['prompt', 'login_hint', 'ui_locales'] },
    });
  });
  afterAll(() => pair?.stop());

  test.each(['create', 'select_account', 'login', 'login consent'])(
    'by prompt=%s signs in anew',
    async (prompt) => {
      const { browser } = await pair.signIn('alice');
      const { location } = await browser.get(pair.app.url(link({ prompt, returnTo: '/admin' })), {
        follow: false,
      });
      expect(location).toContain(`${pair.provider.issuer}/auth?`);
      expect((await browser.get(pair.app.url('/profile'))).body, 'the session stays meanwhile').toContain(
        'Alice',
      );
    },
  );

  test.each([{ login_hint: 'bob' }, { ui_locales: 'de' }, { prompt: 'consent' }, { prompt: 'none' }])(
    'by %j goes to the page',
    async (query) => {
      const { browser } = await pair.signIn('alice');
      const page = await browser.get(pair.app.url(link({ ...query, returnTo: '/admin' })), { follow: false });
      expect([page.status, page.location]).toEqual([302, pair.app.url('/admin')]);
    },
  );

  test('from another site gets the page that goes on, as everybody does, and nothing tells the two apart', async () => {
    const { browser } = await pair.signIn('alice');
    const visit = { follow: false, headers: { 'Sec-Fetch-Site': 'cross-site' } };
    const url = pair.app.url(link({ prompt: 'select_account' }));
    const pages = [await browser.get(url, visit), await createBrowser().get(url, visit)];
    for (const page of pages) {
      expect([page.status, page.headers.has('location')]).toEqual([200, false]);
      expect(page.headers.get('content-security-policy')).toContain("form-action 'self'");
    }
    expect((await browser.get(pair.app.url('/profile'))).body).toContain('Alice Adams');
  });

  test('by an image, a frame or a script starts nothing', async () => {
    const { browser } = await pair.signIn('alice');
    for (const dest of ['image', 'iframe', 'empty']) {
      const headers = {
        'Sec-Fetch-Dest': dest,
        'Sec-Fetch-Mode': dest === 'iframe' ? 'navigate' : 'no-cors',
      };
      const page = await browser.get(pair.app.url(link({ prompt: 'create' })), { headers, follow: false });
      expect([page.status, page.location], dest).toEqual([401, undefined]);
    }
  });
});

test('a provider that makes no accounts lets nobody change who is signed in by prompt=create', () =>
  withPair(
    { op: { profile: { ...plain, metadata: { prompt_values_supported: ['login'] } } } },
    async ({ op, app, open, browser }) => {
      await open('/profile');
      const calls = op.calls.authorization;
      const page = await browser.get(app.url(link({ prompt: 'create', returnTo: '/profile' })));
      expect([page.url, op.calls.authorization]).toEqual([app.url('/profile'), calls]);
    },
  ));

describe('"Sign up"', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair?.stop());

  const signUpLink = ({ body }: Page) =>
    /href="([^"]*prompt=create[^"]*)">Sign up</.exec(body)?.[1]?.replaceAll('&amp;', '&');

  test('makes an account at the provider, and signs in with it', async () => {
    await pair.signIn('alice'); // By then the provider's metadata is there.
    const browser = createBrowser();
    const href = signUpLink(await browser.get(pair.app.url('/'))) ?? '';
    const sent = await browser.get(pair.app.url(href), { follow: false });
    const page = await signUp(browser, sent, 'Zoë Zander');
    expect([page.status, page.url]).toEqual([200, pair.app.url('/')]);
    expect(page.body).toContain('Zoë Zander');
    expect(signUpLink(page), 'nobody who is signed in is asked').toBeUndefined();
    const profile = await browser.get(pair.app.url('/profile'));
    expect(profile.body).toContain('zoe-zander@example.com');
    // The account is there to sign in with again.
    expect((await pair.signIn('zoe-zander')).page.body).toContain('Zoë Zander');
  });

  test.each([
    ['', 'Enter a name.'],
    [' \n\t ', 'Enter a name.'],
    ['x'.repeat(61), 'at most 60 characters'],
  ])('for the name %j shows the form again and says why', async (name, why) => {
    const browser = createBrowser();
    const sent = await browser.get(pair.app.url(link({ prompt: 'create' })), { follow: false });
    const page = await signUp(browser, sent, name);
    expect(page.status).toBe(422);
    expect(page.body).toContain(why);
    const landed = await browser.post(page.url, { name: 'Second try' }, {}, page.url);
    expect(landed.url).toBe(pair.app.url('/'));
  });

  test('twice for one name makes two accounts, and cancelled makes none', async () => {
    const subs = [];
    for (let time = 0; time < 2; time++) {
      const browser = createBrowser();
      const sent = await browser.get(pair.app.url(link({ prompt: 'create' })), { follow: false });
      await signUp(browser, sent, '<b>!</b> Twin');
      subs.push(/b-b-twin[\w-]*@/.exec((await browser.get(pair.app.url('/profile'))).body)?.[0]);
    }
    expect(subs).toEqual(['b-b-twin@', 'b-b-twin-2@']);
    const browser = createBrowser();
    const sent = await browser.get(pair.app.url(link({ prompt: 'create' })), { follow: false });
    const form = await browser.get(sent.location ?? '');
    const page = await browser.post(form.url, { name: 'Nobody', cancel: 'yes' }, {}, form.url);
    expect([page.status, pair.app.events('sign_in.failed').at(-1)?.reason]).toEqual([403, 'access_denied']);
  });

  test.each([
    ['what it lists has no create', ['login']],
    ['it lists nothing', undefined],
    ['what it lists is nonsense', 'create'],
  ])(
    'is not shown where the provider does not say that it makes accounts: %s',
    (_, prompt_values_supported) =>
      withPair({ op: { profile: { ...plain, metadata: { prompt_values_supported } } } }, async ({ open }) => {
        expect((await open('/')).body).not.toContain('Sign up');
      }),
  );

  test('is not shown before the provider has answered, and asks nobody', () =>
    withPair({ lies: { discovery: { status: 500 } } }, async ({ open }) => {
      const page = await open('/');
      expect(page.status).toBe(200);
      expect(page.body).not.toContain('Sign up');
    }));
});
