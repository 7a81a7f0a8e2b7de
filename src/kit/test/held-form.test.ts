import type { Request } from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { EndReason } from '../errors/end-reasons.ts';
import { unavailable } from '../errors/page-errors.ts';
import { fieldsOf } from '../pages/forms/kinds.ts';
import type { AppWithRoutes } from './helpers/app-with-routes.ts';
import { type Browser, createBrowser, markOn, type Page } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { anyPage } from './helpers/small-site.ts';
import { homePage, profilePage } from './site/pages.ts';

// A session that ends while somebody fills in a form loses nothing of it.

let pair: Pair;
let browser: Browser;
let mark: string;
/** The bodies that the action was run with. */
let saved: unknown[] = [];
/** The site's database cannot be reached. */
let away = false;

beforeAll(async () => {
  const save = {
    run: ({ req }: { req: Request }) => {
      saved.push(req.body);
      return '/orders/7';
    },
  };
  const isAway = async (at: { req: Request }) => {
    if (away) throw unavailable(new Error('no database'));
    return save.run(at);
  };
  const form = z.object({
    text: z.string().optional(),
    pin: z.string().meta({ secret: true }).optional(),
  });
  pair = await startPair({
    routes: {},
    parts: {
      pages: () => [
        ...[homePage, profilePage],
        anyPage({
          ...{ path: '/orders/:id', view: 'table', model: () => ({ bookings: [] }) },
          actions: {
            away: { ...save, form, run: isAway },
            add: save,
            pay: { ...save, form },
            fresh: { ...save, access: { maxAgeSeconds: 600 } },
          },
        }),
      ],
      routes: (router) => void router.post('/plain', (_req, res) => void res.send('saved')),
    },
  });
});
afterAll(() => pair?.stop());

/** Alice has a form open, and her session ends. */
beforeEach(async () => {
  const signedIn = await pair.signIn('alice', '/orders/7', createBrowser());
  browser = signedIn.browser;
  mark = markOn(signedIn.page)['kit-form'];
  browser.cookies.splice(0, Infinity, ...browser.cookies.filter(({ name }) => name !== 'session'));
  saved = [];
  away = false;
});

type Fields = [name: string, value: string][];
const url = (path: string) => pair.app.url(path);
const send = (fields: Fields, path = '/orders/7/add', headers: Record<string, string> = {}) =>
  browser.post(url(path), fields, { follow: false, headers }, url('/orders/7'));

/** The form that a page holds again: its address and fields, as a browser would send them. */
function heldIn({ body }: Page): { action: string; fields: Fields } {
  const [, action = '', inside = ''] =
    /<form method="post" action="([^"]*)">((?:(?!<form).)*?)<button class="button[^"]*">Send again</s.exec(
      body,
    ) ?? [];
  const fields = [...inside.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)].map(
    ([, name = '', value = '']): [string, string] => [plain(name), plain(value)],
  );
  return { action: plain(action), fields };
}
const plain = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
const sendAgain = (page: Page) => {
  const { action, fields } = heldIn(page);
  return browser.post(url(action), fields, { follow: false }, page.url);
};

const typed: Fields = [
  ['zeta', 'two hours of work'],
  ['2', 'a name that objects would put first'],
  ['list', 'one'],
  ['text', 'lines\r\nof "text" & <b>tags</b>\'s ü 漢 🪑 '],
  ['list', 'two'],
  ['list', 'one'],
  ['empty', ''],
  ['a[b]', 'x=1&y=2+3%20'],
  ['__proto__', 'own'],
  ['"><script>alert(1)</script>', '"><script>alert(2)</script>'],
];

describe('a form that cannot be carried out just now', () => {
  const own = () => pair.signIn('alice', '/orders/7', browser);

  test('comes back on the page that says so, and one press sends it again', async () => {
    await own();
    away = true;
    const page = await send([['kit-form', mark], ...typed], '/orders/7/away');
    expect([page.status, headingOf(page)]).toEqual([503, "We can't do this right now"]);
    expect(page.headers.get('retry-after')).toBe('5');
    expect(heldIn(page)).toEqual({ action: '/orders/7/away', fields: [['kit-form', mark], ...typed] });
    expect(page.body).not.toContain('<script>alert');
    expect(textOf(page)).toContain('Go to the home page');
    expect((await sendAgain(page)).status).toBe(503);
    away = false;
    expect((await sendAgain(page)).status).toBe(303);
    expect(saved).toHaveLength(1);
    expect(saved[0]).toMatchObject({ zeta: 'two hours of work', list: ['one', 'two', 'one'] });
  });

  test('comes back without what is secret, and says so', async () => {
    await own();
    away = true;
    const page = await send(
      [
        ['kit-form', mark],
        ['text', 'x'],
        ['pin', '1234'],
      ],
      '/orders/7/away',
    );
    expect(heldIn(page).fields).toEqual([
      ['kit-form', mark],
      ['text', 'x'],
    ]);
    expect(page.body).not.toContain('1234');
    expect(textOf(page)).toContain("passwords and similar fields aren't kept");
  });

  test('is one line of JSON for a script', async () => {
    await own();
    away = true;
    const script = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
    const answer = await send([['kit-form', mark], ...typed], '/orders/7/away', script);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.body)).toMatchObject({ title: "We can't do this right now", status: 503 });
    expect(answer.body).not.toContain('two hours');
  });
});

describe('a form that is sent after its session ended', () => {
  test('comes back on the page that says so, whole and in order', async () => {
    const page = await send([['kit-form', mark], ...typed]);
    expect([page.status, headingOf(page)]).toEqual([401, "You've been signed out"]);
    expect(textOf(page)).toContain('Nothing was saved yet. Sign in in a new tab, then press Send again.');
    expect(textOf(page)).not.toContain('passwords');
    expect(page.headers.get('cache-control')).toBe('no-store');
    expect(heldIn(page)).toEqual({ action: '/orders/7/add', fields: [['kit-form', mark], ...typed] });
    expect(page.body).not.toContain('<script>alert');
    const [link] = /<a class="button" [^>]*>/.exec(page.body) ?? [];
    expect(link).toBe('<a class="button" href="/auth/login?returnTo=%2Forders%2F7" target="_blank">');
    expect(textOf(page)).toContain('Sign in (opens a new tab)');
    expect(saved).toEqual([]);
  });

  test('is saved when the same person has signed in and sends it again', async () => {
    const page = await send([['kit-form', mark], ...typed]);
    await pair.signIn('alice', '/orders/7', browser);
    expect((await sendAgain(page)).status).toBe(303);
    expect(saved).toHaveLength(1);
    expect(saved[0]).toMatchObject({ zeta: 'two hours of work', list: ['one', 'two', 'one'], empty: '' });
    // Once more, as after the back button, it is the same form still: what must be saved once needs a key of its own.
    expect((await sendAgain(page)).status).toBe(303);
  });

  test('comes back again while nobody has signed in', async () => {
    let page = await send([['kit-form', mark], ...typed]);
    for (let n = 0; n < 3; n++) page = await sendAgain(page);
    expect([page.status, heldIn(page).fields]).toEqual([401, [['kit-form', mark], ...typed]]);
  });

  test('changes nothing for somebody else who has signed in', async () => {
    const page = await send([['kit-form', mark], ...typed]);
    browser.clearCookies(); // The provider's too: it would not ask who signs in.
    await pair.signIn('bob', '/orders/7', browser);
    const refused = await sendAgain(page);
    expect([refused.status, headingOf(refused)]).toEqual([403, 'This page was opened by someone else']);
    expect(refused.body).not.toContain('two hours of work');
    expect(saved).toEqual([]);
  });

  test('changes nothing where it had no mark', async () => {
    const page = await send(typed);
    await pair.signIn('alice', '/orders/7', browser);
    expect(headingOf(await sendAgain(page))).toBe("We couldn't tell whose page this is");
    expect(saved).toEqual([]);
  });

  test('keeps the query of its address', async () => {
    const page = await send([['kit-form', mark]], '/orders/7/add?draft="1"&x=<b>');
    const { action } = heldIn(page);
    expect(new URL(action, 'http://a').searchParams.get('x')).toBe('<b>');
    expect(action).toMatch(/^\/orders\/7\/add\?/);
  });

  test('without any field is a form all the same', async () => {
    const page = await browser.request('POST', url('/orders/7/add'));
    expect([page.status, headingOf(page)]).toEqual([401, "You've been signed out"]);
    expect(page.body).toContain('href="/auth/login?returnTo=%2Forders%2F7"');
  });

  test('asks for a fresh sign-in afterwards, where its action does', async () => {
    const page = await send([['kit-form', mark], ...typed], '/orders/7/fresh');
    await pair.signIn('alice', '/orders/7', browser);
    expect((await sendAgain(page)).status).toBe(303);
    expect(saved).toHaveLength(1);
  });
});

describe('the page that holds it', () => {
  const secrets: [path: string, fields: Fields][] = [
    ['/orders/7/add', [['password', 'hunter2']]],
    ['/orders/7/add', [['NewPassword2', 'hunter2']]],
    [
      '/orders/7/add',
      [
        ['password', 'hunter2'],
        ['password', 'hunter2'],
      ],
    ],
    ['/orders/7/pay', [['pin', 'hunter2']]],
    ...['passwort', 'passcode', 'pin', 'cardPin', 'otp', 'cvc', 'token', 'api_key', 'clientSecret'].map(
      (name): [string, Fields] => ['/orders/7/add', [[name, 'hunter2']]],
    ),
  ];
  test.each(secrets)('(%s) never has what %j holds, and says so', async (path, fields) => {
    const page = await send([['kit-form', mark], ['text', 'kept'], ...fields], path);
    expect(page.body).not.toContain('hunter2');
    expect(heldIn(page).fields).toEqual([
      ['kit-form', mark],
      ['text', 'kept'],
    ]);
    expect(textOf(page)).toContain("passwords and similar fields aren't kept");
  });

  describe('of a session that somebody has ended', () => {
    const reasons: [reason: EndReason, why: string | RegExp][] = [
      ['operator', 'The people who run this site ended your session.'],
      ['other-device', 'You signed this browser out from another device.'],
      ['account', /localhost:\d+ no longer accepts this account, so we signed you out\./],
      ['not-admitted', "Your account isn't allowed to use this app any more, so we signed you out."],
      ['expired', 'You were signed out because sessions last at most 8 hours.'],
    ];
    const end = async (reason: EndReason) => {
      ({ browser } = await pair.signIn('alice', '/orders/7', createBrowser()));
      const owner = { iss: pair.provider.issuer, sub: 'alice' };
      await (pair.app as AppWithRoutes).sessions.endOwner(owner, reason);
    };

    test.each(reasons)('says why, before what to do: %s', async (reason, why) => {
      await end(reason);
      const page = await send([['kit-form', mark], ...typed]);
      expect([page.status, headingOf(page)]).toEqual([401, "You've been signed out"]);
      expect(heldIn(page).fields).toHaveLength(typed.length + 1);
      const [before, after] = textOf(page).split('Nothing was saved yet. Sign in in a new tab');
      expect(after).toBeDefined();
      expect(before).toMatch(why);
    });

    test('says so on the page of a form that cannot be kept, too', async () => {
      await end('operator');
      const page = await send([['text', 'x']], undefined, { 'Content-Type': 'text/plain' });
      expect(page.status).toBe(401);
      expect(textOf(page)).toMatch(/The people who run this site ended your session\. Nothing was saved yet/);
    });

    test('and nothing of another one: whoever had none reads only what to do', async () => {
      const page = await send([['kit-form', mark], ...typed]);
      expect(textOf(page)).toMatch(/^You've been signed out Nothing was saved yet/);
    });
  });

  test('holds 64 KB, and no more is read', async () => {
    const large = '<'.repeat(21_000); // Three bytes each, as it is sent.
    const page = await send([
      ['kit-form', mark],
      ['text', large],
    ]);
    expect([page.status, heldIn(page).fields[1]]).toEqual([401, ['text', large]]);
    const fields = (many: number) => Array.from({ length: many }, (_, n): [string, string] => [`f${n}`, 'x']);
    expect(heldIn(await send(fields(100))).fields).toHaveLength(100);
    for (const tooMuch of [[['text', 'a'.repeat(66_000)]] as Fields, fields(101)]) {
      const page = await send(tooMuch);
      expect([page.status, heldIn(page).fields]).toEqual([401, []]);
      expect(textOf(page)).toContain("use your browser's back button");
      expect(page.body.length).toBeLessThan(10_000);
    }
  });

  test('is not given to a script', async () => {
    const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', Accept: 'application/json' };
    const answer = await send([['kit-form', mark], ...typed], undefined, headers);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual({
      ...{ title: 'Please sign in', status: 401 },
      requestId: expect.any(String),
    });
  });

  test('is not given to another site', async () => {
    const answer = await send(typed, undefined, { 'Sec-Fetch-Site': 'cross-site' });
    expect([answer.status, heldIn(answer).fields]).toEqual([403, []]);
    expect(answer.body).not.toContain('two hours of work');
  });

  test('leaves nothing of it in the log', async () => {
    const before = pair.app.lines.length;
    await send([['kit-form', mark], ...typed]);
    expect(JSON.stringify(pair.app.lines.slice(before))).not.toMatch(/two hours|alert/);
  });
});

test.each(['multipart/form-data; boundary=x', 'application/json', 'text/plain'])(
  'a form of another kind (%s) is not held',
  async (type) => {
    const answer = await send([['text', 'two hours of work']], undefined, { 'Content-Type': type });
    expect(answer.status).toBe(401);
    expect(textOf(answer)).toContain("use your browser's back button");
    expect(answer.body).not.toContain('two hours of work');
    expect(answer.body).not.toContain('Send again');
    expect(saved).toEqual([]);
  },
);

test("a plain route's form is not held: its body was not read", async () => {
  const page = await send(typed, '/plain');
  expect([page.status, headingOf(page)]).toEqual([401, "You've been signed out"]);
  expect(textOf(page)).toContain('Nothing was saved yet. Sign in, then use');
  expect(page.body).not.toMatch(/two hours of work|Send again|_blank/);
});

describe('a field is secret', () => {
  const secret = z.string().meta({ secret: true });
  const form = z
    .object({
      plain: z.string(),
      no: z.string().meta({ secret: false }),
      direct: secret,
      optional: secret.optional(),
      outside: z.string().optional().meta({ secret: true }),
      preset: secret.nullable().default(null),
      caught: secret.catch(''),
      readonly: secret.readonly(),
      piped: z.string().trim().pipe(secret),
      changed: secret.transform((value) => value.length),
      before: z.preprocess((value) => value, secret),
      list: z.array(secret),
      either: z.union([z.string(), secret]),
      checked: secret.refine((value) => value !== ''),
      newPASSWORD: z.string(),
      token: z.string(),
      tokens: z.number().meta({ secret: false }),
      token_box: z.boolean(),
      state: z.string(),
      opinion: z.string(),
    })
    .refine(({ plain }) => plain !== '');

  test.each(Object.keys(form.shape))('whose schema or name says so, however it is wrapped: %s', (name) => {
    const field = fieldsOf(form).find((each) => each.name === name);
    expect(field?.secret).toBe(!['plain', 'no', 'tokens', 'token_box', 'state', 'opinion'].includes(name));
  });
});
