import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import { withoutToken } from '../tokens/access-token.ts';
import { fetchApi } from '../tokens/fetch-api.ts';
import { startAppWithRoutes } from './helpers/app-with-routes.ts';
import { startInstances } from './helpers/instances.ts';
import { headingOf } from './helpers/pair.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { mountCalls, type SeveralApis, withApis } from './helpers/several-apis.ts';
import { type StubAnswer, startStubApi } from './helpers/stub-api.ts';

// An API of the site that is slow, away, or answers with what nobody expects: bounded, in the log with what to do, and
// the session is untouched. And what it is sent shows up nowhere (R20).

const apis = { notes: { scope: 'notes.read' }, plans: {} };
const megabytes = (count: number) => Buffer.alloc(count * 1024 * 1024, 'a');
const parsed = ({ body }: { body: string }) => JSON.parse(body) as { status: number; body: string };

/** Whatever the API did, its person is signed in as before, and the next call works. */
async function expectUntouched({ app, open, call, notes, record, asked }: SeveralApis) {
  const before = [await record(), asked.length];
  notes.now(() => ({}));
  expect(parsed(await call('notes')).status).toBe(200);
  expect((await open('/profile')).status).toBe(200);
  expect([await record(), asked.length]).toEqual(before);
  expect(app.events('session.ended')).toEqual([]);
}

describe('an answer that is handed to the page as it is', () => {
  test.each([
    [
      'a redirect, which nobody follows',
      { status: 302, headers: { location: '/elsewhere' }, body: '' },
      302,
      '',
    ],
    [
      'a redirect to another host',
      { status: 307, headers: { location: 'http://127.0.0.1:1/' }, body: '' },
      307,
      '',
    ],
    ['one without a type', { headers: { 'content-type': '' }, body: 'text' }, 200, 'text'],
    ['an empty one', { status: 204, body: '' }, 204, ''],
    ['an empty one that clears a form', { status: 205, body: '' }, 205, ''],
    ['an error of its own', { status: 500, body: 'oops' }, 500, 'oops'],
    ['a 401 without a challenge', { status: 401, body: 'who?' }, 401, 'who?'],
    ['a packed one', { headers: { 'content-encoding': 'gzip' }, body: gzipSync('packed') }, 200, 'packed'],
  ] as [string, StubAnswer, number, string][])('%s', (_what, answer, status, body) =>
    withApis({ apis }, async (at) => {
      await at.call('notes');
      at.notes.now(() => answer);
      const before = at.notes.calls.length;
      expect(parsed(await at.call('notes'))).toEqual({ status, body });
      expect(at.notes.calls.length - before).toBe(1);
      await expectUntouched(at);
    }),
  );
});

describe('an answer that is bounded: a 503 page, and a hint in the log', () => {
  test.each([
    ['of 10 MB', { body: megabytes(10) }, /more than 1048576 bytes.*`proxy`, which streams/],
    [
      'that unpacks to 50 MB',
      { headers: { 'content-encoding': 'gzip' }, body: gzipSync(megabytes(50)) },
      /`proxy`, which streams/,
    ],
    ['that is packed, and broken', { headers: { 'content-encoding': 'gzip' }, body: 'no gzip' }, /./],
    ['of a gateway', { status: 502, body: '' }, /answered 502: check the API, and its `url` in site\.ts/],
  ] as [string, StubAnswer, RegExp][])('%s', (_what, answer, hint) =>
    withApis({ apis }, async (at) => {
      await at.call('notes');
      at.notes.now(() => answer);
      const page = await at.call('notes');
      expect([page.status, headingOf(page)]).toEqual([
        503,
        "A service that this page needs isn't responding",
      ]);
      const line = at.app.lines.findLast(({ msg }) => msg === 'request failed');
      expect(line?.hint).toMatch(hint);
      await expectUntouched(at);
    }),
  );

  test.each([
    ['that never comes', () => {}],
    ['that trickles', (write: (text: string) => void) => void write(' ')],
  ])(
    '%s: within five seconds',
    (_what, does) =>
      withApis({ apis }, async (at) => {
        await at.call('notes');
        at.notes.now((_call, res) => {
          const writing = setInterval(() => does((text) => void res.write(text)), 100);
          res.on('close', () => clearInterval(writing));
          return undefined;
        });
        const then = performance.now();
        expect((await at.call('notes')).status).toBe(503);
        expect(performance.now() - then).toBeLessThan(7_000);
        await expectUntouched(at);
      }),
    20_000,
  );

  test('that breaks off, and an API that is away', () =>
    withApis({ apis }, async (at) => {
      await at.call('notes');
      at.notes.now((_call, res) => void res.destroy());
      expect((await at.call('notes')).status).toBe(503);
      await expectUntouched(at);
      await at.notes.stop();
      const page = await at.call('notes');
      expect([page.status, headingOf(page)]).toEqual([
        503,
        "A service that this page needs isn't responding",
      ]);
      const line = at.app.lines.findLast(({ msg }) => msg === 'request failed');
      expect(line?.hint).toMatch(/./);
      expect((await at.open('/profile')).status).toBe(200);
      expect((await at.call('plans')).status).toBe(200);
    }));
});

test.each(['/../x', '/a/../../x', '/%2e%2e/x', '/..%2fx', '/..;/x', '/..%5cx', '/%zz'])(
  'the path %j leaves no API’s address, and no token is got for it',
  (path) =>
    withApis(
      { apis: { notes: { under: '/v1', scope: 'n' }, plans: {} } },
      async ({ app, call, asked, notes }) => {
        expect((await call('notes', path)).status).toBe(404);
        expect([asked, notes.calls, app.events('session.ended')]).toEqual([[], [], []]);
        await call('notes', '/x');
        expect(notes.calls.map((one) => one.path)).toEqual(['/v1/x']);
      },
    ),
);

test('an API is called while the provider is away: nothing is needed of it', () =>
  withApis({ apis }, async ({ op, call }) => {
    await call('notes');
    op.down();
    expect(parsed(await call('notes')).status).toBe(200);
    expect(parsed(await call('plans')).status).toBe(200);
    op.up();
  }));

describeWithRedis('an instance that has never reached the provider', () => {
  test('calls the API with a token that is there', async () => {
    const notes = await startStubApi();
    const parts = {
      apis: () => ({ notes: { url: notes.url } }),
      routes: (router: unknown) => mountCalls(router as never),
    };
    const instances = await startInstances({ parts, env: { SESSION_RECHECK_MINUTES: '0' } });
    const { browser } = await instances.signIn('alice');
    await instances.provider.stop();
    const third = await startAppWithRoutes(instances.env, { site: parts });
    expect((await browser.get(third.url('/call/notes'))).status).toBe(200);
    expect(notes.calls).toHaveLength(1);
    await third.stop();
    await Promise.all([instances.one.stop(), instances.two.stop(), notes.stop()]);
    await instances.redis.stop();
  });
});

describe('tokens of APIs (R20)', () => {
  test('are in no log, also where the API or the token endpoint repeats them', () =>
    withApis({ apis: { notes: { scope: 'notes.read' }, plans: { exchange: true } } }, async (at) => {
      const exchanged = 'an-exchanged-access-token-that-is-long';
      at.op.secrets.push(exchanged);
      await at.call('notes');
      at.notes.now(({ token }) => ({
        status: 401,
        headers: {
          'www-authenticate': `Bearer error="invalid_token", error_description="bad token ${token}"`,
        },
        body: `{"error":"${token}"}`,
      }));
      await at.call('notes');
      at.answers(({ subject_token }) =>
        subject_token
          ? { status: 400, json: { error: 'invalid_request', error_description: `no: ${subject_token}` } }
          : undefined,
      );
      expect((await at.call('plans')).status).toBe(401);
      expect(at.app.events('token.refresh_failed').at(-1)?.hint).toContain('no: ');
      const log = JSON.stringify(at.app.lines);
      for (const secret of [...at.op.secrets, ...at.notes.tokens()]) {
        expect(log, secret).not.toContain(secret.slice(-16));
      }
    }));

  test('nor is a subject token that looks like words', () =>
    withApis(
      { apis: { notes: { exchange: true }, plans: {} }, env: { OIDC_USERINFO: 'false' } },
      async (at) => {
        const words = 'some-words-that-are-a-token';
        at.op.next({ token: { json: { access_token: words } }, idToken: { at_hash: undefined } });
        await at.open('/profile');
        at.answers(({ subject_token }) => ({
          status: 400,
          json: { error: 'invalid_request', error_description: `no: ${subject_token}` },
        }));
        expect((await at.call('notes')).status).toBe(401);
        expect(at.app.events('token.refresh_failed')[0]?.hint).toContain('no: [redacted]');
        expect(JSON.stringify(at.app.lines)).not.toContain('words-that');
      },
    ));

  test('are taken out of a text that a page prints, each of them', () =>
    withApis(
      {
        apis: { notes: { scope: 'notes.read' }, plans: { scope: 'plans.read' } },
        mount: (app) =>
          app.get('/echo', requireAuth(), async (req, res) => {
            const said = await (await fetchApi(req, 'notes' as never, '')).text();
            res.send(await withoutToken(req, said));
          }),
      },
      async ({ call, open, notes, plans }) => {
        await call('plans');
        const [other = ''] = plans.tokens();
        notes.now(({ token }) => ({ body: `yours: ${token}, another: ${other}.` }));
        const { body } = await open('/echo');
        expect(body).toMatch(/^yours: .*, another: .*\.$/);
        expect(body).not.toContain('for-');
        expect(body).toContain('[redacted]');
      },
    ));
});
