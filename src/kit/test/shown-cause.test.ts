import { sep } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loggedCauses } from '../errors/error-cause.ts';
import { shownCause } from '../errors/shown-cause.ts';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { anyPage } from './helpers/small-site.ts';
import { homePage, profilePage } from './site/pages.ts';

// Whoever develops a page reads on the page of its failure what was wrong, and where. Nobody else does.

const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';
const secrets = {
  'a password in an address': 'postgres://app:canary-password@db.internal/notes',
  'a token': `Bearer ${jwt}`,
  'what a name tells on': 'client_secret=canary-password',
  'a query': 'GET https://op.example/cb?code=canary-password',
  'a cookie': 'Cookie: session=canary-password',
};

function fails(error: () => unknown) {
  return anyPage({
    path: '/fails',
    access: 'everyone',
    view: 'table',
    model: () => {
      throw error();
    },
  });
}

/** What the page of this test throws next. */
let next: () => unknown;
const parts = {
  pages: () => [
    ...[homePage, profilePage],
    fails(() => next()),
    anyPage({ path: '/view', access: 'everyone', view: 'table', model: () => ({ bookings: 7 }) }),
  ],
};

const noTable = () =>
  new Error('no table <b>notes</b>', {
    cause: Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' }),
  });

/** The text of what the page shows its developer, as the browser reads it. */
function causeOn(body: string): string | undefined {
  const [, text] = /<pre lang="en" dir="ltr">([^<]*)<\/pre>/.exec(body) ?? [];
  return text
    ?.replaceAll('&gt;', '>')
    .replaceAll('&lt;', '<')
    .replaceAll('&#39;', "'")
    .replaceAll('&quot;', '"');
}

describe('while developing, the page of an error', () => {
  let pair: Pair;
  let browser: Browser;
  const open = (path: string) => browser.get(pair.app.url(path));
  beforeAll(async () => {
    pair = await startPair({ env: { NODE_ENV: 'development' }, parts });
    browser = createBrowser();
  });
  afterAll(() => pair?.stop());

  test('shows the error, its cause and where in the code of the app it was thrown', async () => {
    next = noTable;
    const { status, body } = await open('/fails');
    expect([status, headingOf({ body } as never)]).toEqual([500, 'Something went wrong']);
    const cause = causeOn(body) ?? '';
    expect(cause).toMatch(/^Error: no table <b>notes<\/b>\n\n {4}at /);
    expect(cause).toMatch(/^ {4}at .*\(src\/kit\/test\/shown-cause\.test\.ts:\d+:\d+\)$/m);
    expect(cause).toContain('\n\nCaused by Error: connect failed (ECONNREFUSED)\n\n    at ');
    expect(cause).not.toMatch(/node_modules|node:|file:/);
    expect(cause).not.toContain(process.cwd());
    expect(body).not.toContain('<b>notes');
    expect(body).toContain('the console shows the whole error');
  });

  test('shows which line of which view failed, and the lines around it', async () => {
    const { status, body } = await open('/view');
    expect(status).toBe(500);
    const cause = causeOn(body) ?? '';
    expect(cause).toMatch(/^TypeError: .*not iterable.* \(\S*views\/table\.ejs:10\)\n\n {4}8\| /);
    expect(cause).toContain('\n >> 10| <% for (const booking of page.bookings) { %>\n');
    expect(cause.match(/\.ejs/g), 'no place in what EJS made of the view').toHaveLength(1);
  });

  test.each(Object.entries(secrets))('never shows %s', async (_, said) => {
    next = () => new Error(`the other side said ${said}`, { cause: new Error(said) });
    const { status, body } = await open('/fails');
    expect(status).toBe(500);
    expect(causeOn(body)).toContain('the other side said');
    expect(body).not.toMatch(/canary|eyJ/);
  });

  test('tells a script the same', async () => {
    next = noTable;
    const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
    const { body } = await browser.get(pair.app.url('/fails'), { headers });
    expect(JSON.parse(body).cause).toMatch(/^Error: no table <b>notes<\/b>\n\n {4}at /);
  });

  test('shows what is thrown and is no error, and nothing of a page that is not there', async () => {
    next = () => 'a string';
    expect(causeOn((await open('/fails')).body)).toBe('string: something that is no Error was thrown');
    expect(causeOn((await open('/nowhere')).body)).toBeUndefined();
  });

  test('shows what to do about an answer of the provider', async () => {
    const wrong = await startPair({
      env: { NODE_ENV: 'development', OIDC_CLIENT_SECRET: 'not the secret', OIDC_PAR: 'off' },
    });
    try {
      const { page } = await wrong.signIn('alice');
      expect(causeOn(page.body)).toMatch(
        /^AuthError: token_refused\n\ninvalid_client: OIDC_CLIENT_ID, the secret/,
      );
      // What a reload shows again has its cause in the log.
      expect(causeOn((await createBrowser().get(wrong.app.url('/auth/callback'))).body)).toBeUndefined();
    } finally {
      await wrong.stop();
    }
  });
});

describe.each([undefined, '', 'production', 'test', 'Development'])('with NODE_ENV=%s', (NODE_ENV) => {
  test('no page and no script hears a word of the cause', async () => {
    const pair = await startPair({ env: { NODE_ENV }, parts });
    try {
      next = noTable;
      const browser = createBrowser();
      for (const path of ['/fails', '/view']) {
        const page = await browser.get(pair.app.url(path));
        expect(page.status, path).toBe(500);
        const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
        const { body } = await browser.get(pair.app.url(path), { headers });
        expect(Object.keys(JSON.parse(body))).toEqual(['title', 'status', 'requestId']);
        expect(page.body).not.toMatch(/<pre|no table|ECONNREFUSED|iterable|\.ejs|\.ts|Error:|evelop|console/);
      }
    } finally {
      await pair.stop();
    }
  });
});

describe('the cause of an error', () => {
  const root = `${sep}srv${sep}app`;
  const at = (...lines: string[]) =>
    Object.assign(new Error('x'), {
      stack: ['Error: x', ...lines.map((line) => `    at ${line}`)].join('\n'),
    });

  test("has the site's own code before the kit's, and four places at most", () => {
    const kit = `run (file:///srv/app/src/kit/pages/mount.ts:1:1)`;
    const own = Array.from({ length: 6 }, (_, n) => `f${n} (file:///srv/app/src/pages/a.ts:${n}:1)`);
    const others = [
      'g (/srv/app/node_modules/x/index.js:1:1)',
      'node:internal/x:1:1',
      'h (/srv/else.ts:1:1)',
    ];
    const lines = (text: string) =>
      text
        .split('\n')
        .slice(2)
        .map((line) => line.trim());
    expect(lines(shownCause(at(...others, kit, ...own), root))).toEqual(
      [0, 1, 2, 3].map((n) => `at f${n} (src/pages/a.ts:${n}:1)`),
    );
    expect(lines(shownCause(at(...others, kit), root))).toEqual(['at run (src/kit/pages/mount.ts:1:1)']);
    expect(shownCause(at(...others), root)).toBe('Error: x');
  });

  const view = (file: string, message: string) =>
    `${file}:3\n    1| <p>\n    2| \n >> 3| ${'<%= page.x.y %>'.repeat(40)}\n    4| </p>\n\n${message}`;

  test('in a view begins with what was wrong, in the log too, however long the lines of the view are', () => {
    const error = new TypeError(
      view('/srv/app/views/a.ejs', view('/srv/app/views/b.ejs', 'x is not defined')),
    );
    expect(loggedCauses(error)).toEqual([
      { name: 'TypeError', message: 'x is not defined (/srv/app/views/b.ejs:3)' },
    ]);
    expect(shownCause(error, '/srv/app')).toMatch(
      /^TypeError: x is not defined \(views\/b\.ejs:3\)\n\n {4}1\| <p>\n {4}2\| \n >> 3\| /,
    );
  });

  test('is found in no time, whatever the message', () => {
    const before = performance.now();
    for (const part of [
      'a.ejs:1\n    1| ',
      'a.ejs:1\n >> 1| \n\n',
      '\n >> 1| \n\n',
      '    at /srv/app/x\n',
      'a.ejs:',
      '/srv/app/',
    ])
      shownCause(new Error(part.repeat(100_000)), '/srv/app');
    expect(performance.now() - before).toBeLessThan(2_000);
  });
});
