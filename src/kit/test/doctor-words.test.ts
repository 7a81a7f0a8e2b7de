import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Config } from '../config/index.ts';
import { mask, said, warning } from '../doctor/finding.ts';
import { ownSettings } from '../doctor/own-settings.ts';
import { plainText } from '../doctor/plain-text.ts';
import { keycloak, plainServer } from './helpers/doctor-servers.ts';
import { expectRow, type Row, stopProviders } from './helpers/doctor-table.ts';

afterEach(stopProviders);

describe('what the provider says', () => {
  test.each<[what: string, Partial<Row> & Pick<Row, 'lines' | 'exit'>]>([
    [
      'is cut, and has no control characters',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({
              status: 400,
              json: { error: 'odd', error_description: `\u001b[2J\u0002\r\nx${'y'.repeat(9_000)}` },
            }),
          }),
        lines: [
          /^! client authentication: could not be checked: the answer to a code that does not exist does not show it \(odd: \[2J xy{190,196}…\)\. Sign in once to see\.$/,
        ],
        exit: 0,
      },
    ],
    [
      'is a page without its tags, scripts and styles',
      {
        server: (app) =>
          plainServer(app, {
            authorize: () => ({
              status: 400,
              html: '<head><title>t</title></head><script>alert(1)</script><h1>Un<b>known</b> request</h1><p>Say &quot;hi&quot; &amp; go</p>',
            }),
          }),
        lines: [
          /^✗ redirect address: the provider refuses every request of this app \(status 400: Unknown request Say "hi" & go\)\. The address may be one reason/,
        ],
        exit: 1,
      },
    ],
    [
      'is the part of a long page that says what is wrong',
      {
        server: (app) =>
          plainServer(app, {
            authorize: () => ({
              status: 400,
              html: `<header>Our shop</header><nav>Home</nav><main><h1>Oh no</h1><p>${'Please stay calm. '.repeat(30)}</p><p>What it said: invalid_stars, they are not in order</p></main><footer>Imprint</footer>`,
            }),
          }),
        lines: [
          /^✗ redirect address: .*\(status 400: …\S.*What it said: invalid_stars, they are not in order\)\./,
        ],
        not: /Our shop|Home|Imprint/,
        exit: 1,
      },
    ],
    [
      'is not read without end',
      {
        server: (app) =>
          plainServer(app, { authorize: () => ({ status: 400, text: 'x'.repeat(2_000_000) }) }),
        lines: [
          /^! redirect address: could not be checked: the authorization endpoint does not answer \(an answer without end\)\./,
        ],
        exit: 0,
      },
    ],
    [
      'is not read without end at the token endpoint and for the keys either',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({ status: 400, text: 'x'.repeat(2_000_000) }),
            jwks: { text: 'x'.repeat(2_000_000) },
          }),
        lines: [
          /^! client authentication: could not be checked: the answer to a code that does not exist does not show it \(.*more than 1048576 bytes\)\./,
          /^✗ key set: \S+ does not answer \(an answer without end\)\./,
        ],
        exit: 1,
      },
    ],
    [
      'has no secret in it, however it is written',
      {
        server: (app) =>
          plainServer(app, {
            token: ({ headers }) => ({
              status: 400,
              json: {
                error: 'odd',
                error_description: `got ${headers.authorization} for ${app.secret} ${encodeURIComponent(app.secret)}`,
              },
            }),
          }),
        lines: [/\(odd: got Basic ••• for ••• •••\)\. /],
        exit: 0,
      },
    ],
    [
      'is redacted with a short secret, and our own words are not',
      {
        server: (app) =>
          plainServer(app, {
            token: () => ({ status: 400, json: { error: 'odd', error_description: 'the client is odd' } }),
          }),
        env: { OIDC_CLIENT_SECRET: 'client' },
        lines: [
          /^! client authentication: could not be checked: the answer to a code that does not exist does not show it \(odd: the ••• is odd\)\./,
          /^! secrets: OIDC_CLIENT_SECRET has only 6 characters\./,
        ],
        exit: 0,
      },
    ],
    [
      'is a code of the specification, which a short secret leaves whole',
      {
        server: plainServer,
        app: { secret: 'another' },
        env: { OIDC_CLIENT_SECRET: 'client' },
        lines: [
          /^✗ client authentication: the provider refuses web-app by client_secret_basic \(invalid_client\)\. Check OIDC_CLIENT_ID, copy OIDC_CLIENT_SECRET/,
        ],
        exit: 1,
      },
    ],
    [
      'is that it wants https',
      {
        server: (app) =>
          keycloak(app, {
            discovery: {
              status: 403,
              json: { error: 'invalid_request', error_description: 'HTTPS required' },
            },
          }),
        lines: [
          /^✗ discovery: \S+ answers with status 403 \(invalid_request: HTTPS required\)\. Name the provider by its https address in OIDC_ISSUER\.$/,
        ],
        exit: 1,
      },
    ],
  ])('%s', (_what, row) => expectRow({ server: plainServer, ...row }));

  test('is looked at in time that grows with its length only', () => {
    const cost = (size: number) => {
      const page = ['<', '<script>', '<b ', '&', '&#', ' \n', 'eyJ-'].map((part) =>
        part.repeat(size / part.length),
      );
      const times = Array.from({ length: 5 }, () => {
        const start = process.cpuUsage();
        for (const each of page) mask([warning('x', said(plainText(each)))], ['secret-of-16-letters']);
        const { user, system } = process.cpuUsage(start);
        return user + system;
      });
      return Math.min(...times);
    };
    cost(50_000);
    expect(cost(400_000) / cost(200_000)).toBeLessThan(3);
  });
});

test('a setting of the site that has a value under npm run dev only is shown with it', () => {
  const setting = { meaning: 'the file', schema: z.string().optional(), development: 'data/app.sqlite' };
  const site = {
    name: 'A site',
    pages: () => [],
    settings: { FILE: setting, KEY: { ...setting, secret: true } },
  };
  const shown = (own: object) => [...ownSettings({ own } as unknown as Config, site)].map(({ text }) => text);
  expect(shown({})).toEqual([
    'FILE (the file): not set; under npm run dev it is data/app.sqlite.',
    'KEY (the file): not set.',
  ]);
  expect(shown({ FILE: 'mine', KEY: 'mine' })).toEqual(['FILE (the file): mine.', 'KEY (the file): set.']);
});

test('a setting of the site shows no password, called a secret or not', () => {
  const setting = { meaning: 'the database', schema: z.string() };
  const own = {
    DATABASE_URL: 'db://app:hunter-22@db.example/app',
    API_KEY: 'hunter-22',
    MAILBOX: 'a@b.example',
  };
  const settings = { DATABASE_URL: setting, API_KEY: { ...setting, secret: true }, MAILBOX: setting };
  const site = { name: 'A site', pages: () => [], settings };
  const lines = [...ownSettings({ own } as unknown as Config, site)].map(({ text }) => text);
  expect(lines).toEqual([
    'DATABASE_URL (the database): db://•••@db.example/app.',
    'API_KEY (the database): set.',
    'MAILBOX (the database): a@b.example.',
  ]);
});
