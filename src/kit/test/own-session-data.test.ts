import { createHmac } from 'node:crypto';
import express, { type Express, type Request } from 'express';
import session from 'express-session';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { requireAuth } from '../guard/require-auth.ts';
import type { UserSession } from '../session/user.ts';
import { getUser } from '../session/user-session.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Pair, startPair } from './helpers/pair.ts';
import { hasRedis, startRedis } from './helpers/redis-server.ts';

// `req.session` is express-session's, made when something asks for it. What people know of it must hold.

type Noted = Request['session'] & { note?: string };
const sessionOf = (req: Request) => req.session as Noted;

describe.each(['memory', ...(hasRedis ? ['Redis'] : [])])('req.session, kept in %s', (store) => {
  let pair: Pair;
  let redis: Awaited<ReturnType<typeof startRedis>> | undefined;
  /** What requests were like when their answer was ready. */
  const made: boolean[] = [];

  beforeAll(async () => {
    redis = store === 'Redis' ? await startRedis() : undefined;
    pair = await startPair({
      env: { REDIS_URL: redis?.url },
      routes: {
        mount(app) {
          app.get('/user', requireAuth(), (req, res) => {
            res.send(getUser(req)?.sub);
            made.push(Object.hasOwn(req, 'session'));
          });
          app.get('/note', (req, res) => void res.json({ note: sessionOf(req).note, id: req.session.id }));
          app.get('/note/write', (req, res) => {
            sessionOf(req).note = String(req.query.text);
            res.send(getUser(req)?.sub ?? 'nobody');
          });
          app.get('/reload', (req, res) => {
            sessionOf(req).note = 'not to be kept';
            req.session.reload(() => res.json({ note: sessionOf(req).note }));
          });
          app.get('/destroy', (req, res) => {
            req.session.destroy(() => res.json({ session: typeof req.session, user: getUser(req)?.sub }));
          });
          app.get('/let-go', (req, res) => {
            Object.assign(req, { session: null });
            res.json({ session: req.session, user: getUser(req)?.sub });
          });
          app.get('/become', (req, res) => {
            const own = sessionOf(req);
            const user = own.user as UserSession;
            if (req.query.how === 'a role') user.claims.roles = ['admin'];
            if (req.query.how === 'another') own.user = { ...user, sub: 'bob' };
            if (req.query.how === 'nobody') delete own.user;
            if (req.query.how === 'longer') user.expiresAt += 1e9;
            own.note = String(req.query.how);
            req.session.save(() => {
              const { sub, roles, expiresAt } = getUser(req) ?? {};
              res.json({ sub, roles, expiresAt });
            });
          });
          app.get('/who', (req, res) => {
            const { sub, roles, expiresAt } = getUser(req) ?? {};
            res.json({ sub, roles, expiresAt });
          });
          app.get('/id', (req, res) => void res.json({ id: req.sessionID, same: req.session.id }));
          app.get('/store', (req, res) => {
            const { sessionID, sessionStore } = req;
            sessionStore.get(sessionID, (_error, data) => res.json({ sub: data?.user?.sub }));
          });
          app.get('/late', (req, res) => {
            res.send('sent');
            sessionOf(req).note = 'too late';
          });
        },
      },
    });
  });
  afterAll(async () => {
    await pair?.stop();
    await redis?.stop();
  });

  const signIn = async () => (await pair.signIn('alice')).browser;
  const json = async (browser: ReturnType<typeof createBrowser>, path: string) =>
    JSON.parse((await browser.get(pair.app.url(path))).body);

  test('is not made for a request that only asks who is signed in', async () => {
    const browser = await signIn();
    made.length = 0;
    expect((await browser.get(pair.app.url('/user'))).body).toBe('alice');
    expect(made).toEqual([false]);
  });

  test('keeps what is put into it, beside the user, under the same id and cookie', async () => {
    const browser = await signIn();
    const cookie = browser.cookie('session') ?? '';
    const wrote = await browser.get(pair.app.url('/note/write?text=kept'));
    expect([wrote.body, wrote.headers.get('set-cookie')]).toEqual(['alice', null]);
    const seen = await json(browser, '/note');
    expect(seen).toEqual({ note: 'kept', id: expect.stringMatching(/^[\w-]{24}$/) });
    expect(decodeURIComponent(cookie)).toContain(`s:${seen.id}.`);
    expect((await browser.get(pair.app.url('/user'))).body).toBe('alice');
    expect(await json(browser, '/reload')).toEqual({ note: 'kept' });
    expect(browser.cookie('session')).toBe(cookie);
  });

  test('is made too when its id or its store is asked for first', async () => {
    const browser = await signIn();
    const { id, same } = await json(browser, '/id');
    expect(id).toBe(same);
    expect(decodeURIComponent(browser.cookie('session') ?? '')).toContain(`s:${id}.`);
    expect(await json(browser, '/store')).toEqual({ sub: 'alice' });
  });

  test('of one browser is never that of another', async () => {
    const [one, two] = [await signIn(), await signIn()];
    await one.get(pair.app.url('/note/write?text=mine'));
    expect((await json(two, '/note')).note).toBeUndefined();
    expect((await json(createBrowser(), '/note')).note).toBeUndefined();
  });

  test('of nobody is there and holds nothing: only a sign-in makes one that is kept', async () => {
    const stranger = createBrowser();
    expect(Object.keys(await json(stranger, '/note'))).toEqual(['id']);
    expect(stranger.cookies).toEqual([]);
    await stranger.get(pair.app.url('/note/write?text=lost'));
    expect((await json(stranger, '/note')).note).toBeUndefined();
  });

  test.each(['a role', 'another', 'nobody', 'longer'])(
    'does not change who is signed in: %s, in that request or later (R12)',
    async (how) => {
      const { browser } = await pair.signIn('bob');
      const who = await json(browser, '/who');
      expect(await json(browser, `/become?how=${how}`)).toEqual(who);
      expect(await json(browser, '/who')).toEqual(who);
      expect((await json(browser, '/note')).note).toBe(how);
      expect((await browser.get(pair.app.url('/admin'), { follow: false })).status).toBe(403);
    },
  );

  test('ends by destroy, with everything that belongs to it', async () => {
    const browser = await signIn();
    expect(await json(browser, '/destroy')).toEqual({ session: 'undefined' });
    expect((await browser.get(pair.app.url('/user'), { follow: false })).location).toMatch(/\/signed-out/);
  });

  test('can be let go of for one request, and holds at the next', async () => {
    const browser = await signIn();
    expect(await json(browser, '/let-go')).toEqual({ session: null });
    expect((await browser.get(pair.app.url('/user'))).body).toBe('alice');
  });

  test('that is asked for after the answer was sent hurts nobody', async () => {
    const browser = await signIn();
    expect((await browser.get(pair.app.url('/late'))).body).toBe('sent');
    expect((await json(browser, '/note')).note).toBeUndefined();
  });
});

/** What a page does with its session, and the answers to it. */
function mountPlain(app: Express): void {
  app.get('/plain/write', (req, res) => {
    sessionOf(req).note = String(req.query.text);
    res.send('written');
  });
  app.get('/plain/read', (req, res) => {
    const { session, sessionID } = req;
    res.json({ note: sessionOf(req).note, same: session.id === sessionID, cookie: session.cookie.httpOnly });
  });
  app.get('/plain/reload', (req, res) => {
    sessionOf(req).note = 'not to be kept';
    req.session.reload(() => res.json({ note: sessionOf(req).note }));
  });
  app.get('/plain/save', (req, res) => {
    sessionOf(req).note = 'saved';
    req.session.save((error) => res.json({ error: error ?? null, note: sessionOf(req).note }));
  });
  app.get('/plain/destroy', (req, res) => {
    req.session.destroy((error) => res.json({ error: error ?? null, session: typeof req.session }));
  });
}

test('req.session answers as with express-session mounted as usual', async () => {
  const pair = await startPair({ routes: { mount: mountPlain } });
  onTestFinished(() => pair.stop());
  const { browser } = await pair.signIn('alice');
  const app = express().use(session({ secret: 'plain', resave: false, saveUninitialized: true }));
  mountPlain(app);
  const plain = supertest.agent(app);
  await plain.get('/plain/read');
  for (const what of ['write?text=kept', 'read', 'reload', 'read', 'save', 'read', 'destroy']) {
    const ours = (await browser.get(pair.app.url(`/plain/${what}`))).body;
    expect(ours, what).toBe((await plain.get(`/plain/${what}`)).text);
  }
});

describe('a session cookie', () => {
  const secret = 'the secret of this year, 32 characters';
  const formerSecret = 'the secret of last year, 32 characters';
  let pair: Pair;
  let good: string;
  beforeAll(async () => {
    pair = await startPair({
      env: { SESSION_SECRET: secret, SESSION_SECRET_PREVIOUS: formerSecret },
      routes: { mount: (app) => app.get('/id', (req, res) => void res.send(req.session.id)) },
    });
    good = (await pair.signIn('alice')).browser.cookie('session') ?? '';
  });
  afterAll(() => pair?.stop());

  const statusWith = async (...cookies: string[]) => {
    const Cookie = cookies.map((cookie) => `session=${cookie}`).join('; ');
    const page = await createBrowser().get(pair.app.url('/profile'), { headers: { Cookie }, follow: false });
    return page.status;
  };

  test('that the former secret has signed still counts, and one that neither has signed does not', async () => {
    const id = decodeURIComponent(good).slice(2).split('.')[0] ?? '';
    const signedWith = (key: string) =>
      encodeURIComponent(`s:${id}.${createHmac('sha256', key).update(id).digest('base64').slice(0, -1)}`);
    expect(signedWith(secret)).toBe(good);
    expect(await statusWith(signedWith(formerSecret))).toBe(200);
    expect(await statusWith(signedWith(`${secret}!`))).toBe(302);
  });

  test('is read as express-session writes it', async () => {
    expect(await statusWith(good)).toBe(200);
    expect(await statusWith(decodeURIComponent(good))).toBe(200);
  });

  test.each([
    ['nothing', ''],
    ['no signature', 's%3Aan-id'],
    ['an empty one', 's%3Aan-id.'],
    ['an empty id', 's%3A.c2lnbmF0dXJl'],
    ['a dot alone', '.'],
    ['an escape that is none', '%E0%A4%A'],
    ['blanks and quotes', '"s%3A an id . "'],
    ['eight thousand letters', `s%3A${'x'.repeat(8_000)}.c2ln`],
  ])('that holds %s is nobody', async (_what, cookie) => {
    expect(await statusWith(cookie)).toBe(302);
  });

  test('whose id or signature was changed by one letter is nobody', async () => {
    const text = decodeURIComponent(good);
    const other = (letter: string) => (letter === 'A' ? 'B' : 'A');
    for (const at of [2, text.indexOf('.') - 1, text.indexOf('.') + 1, text.length - 2]) {
      const changed = text.slice(0, at) + other(text[at] ?? '') + text.slice(at + 1);
      expect(await statusWith(encodeURIComponent(changed)), `at ${at}`).toBe(302);
    }
    for (const longer of [`${text}A`, `${text}=`, text.slice(0, -1)]) {
      expect(await statusWith(encodeURIComponent(longer))).toBe(302);
    }
  });

  test('that comes twice counts only where both are one: nobody is taken for somebody else', async () => {
    expect(await statusWith(good, good)).toBe(200);
    expect(await statusWith(good, 's%3Aanother.c2ln')).toBe(302);
    expect(await statusWith('s%3Aanother.c2ln', good)).toBe(302);
    const bob = (await pair.signIn('bob')).browser.cookie('session') ?? '';
    const Cookie = `session=${good}; session=${bob}`;
    const { body } = await createBrowser().get(pair.app.url('/id'), { headers: { Cookie } });
    for (const cookie of [good, bob]) expect(decodeURIComponent(cookie)).not.toContain(`s:${body}.`);
  });
});
