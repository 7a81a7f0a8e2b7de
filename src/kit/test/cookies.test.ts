import { request } from 'node:http';
import express, { type Request } from 'express';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CookieJar } from '../http/cookies.ts';
import { getUser } from '../session/user-session.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// What counts as a cookie of ours: names byte for byte, only space and tab cut (RFC 6265bis §5.6), and one value.

const requestWith = (cookie: string) => ({ headers: { cookie } }) as Request;

describe('the name of a cookie', () => {
  const jar = new CookieJar(true);
  const read = (cookie: string) => Object.fromEntries(jar.read(requestWith(cookie), () => true));

  test('may stand between spaces and tabs, as may its value', () => {
    expect(read(' \t__Host-session \t=\t value ; __Host-said=x')).toEqual({ session: 'value', said: 'x' });
  });

  const others = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(
    (letter) => !'\t ;='.includes(letter),
  );

  test('is not found behind or before any other byte, whatever some text functions cut', () => {
    const found = others.filter((letter) =>
      [`${letter}__Host-session=x`, `__Host-session${letter}=x`, ` ${letter} __Host-session=x`].some(
        (cookie) => 'session' in read(cookie) || jar.has(requestWith(cookie), 'session'),
      ),
    );
    expect(found).toEqual([]);
  });

  test('is found as it is written, not in other letters, inside another or without a value', () => {
    for (const cookie of [
      '__host-session=x',
      '__Host-Session=x',
      'x__Host-session=x',
      '__Host-session',
      '=x',
    ])
      expect([read(cookie).session, jar.has(requestWith(cookie), 'session')], cookie).toEqual([
        undefined,
        false,
      ]);
    expect(read('__Host-session=a=b').session).toBe('a=b');
  });

  test('keeps the bytes of its value that are no blanks', () => {
    expect(read('__Host-session=\xa0x\xa0').session).toBe('\xa0x\xa0');
  });

  test('that comes twice with one value counts, with two it does not, whatever stands between', () => {
    expect(read('__Host-session=a; __Host-said=x; __Host-session=a')).toEqual({ session: 'a', said: 'x' });
    expect(read('__Host-session=a; __Host-said=x; __Host-session=b; __Host-session=a')).toEqual({
      said: 'x',
    });
    expect(jar.has(requestWith('__Host-session=a; __Host-session=b'), 'session')).toBe(true);
  });

  test('is looked for among fifty, however many there are', () => {
    const many = Array.from({ length: 2_000 }, (_, i) => `__Host-login-${i}=x`).join(';');
    expect(jar.read(requestWith(many), (plain) => plain.startsWith('login-')).size).toBe(50);
  });
});

test('a cookie that is taken away ends in 1970 and at once, with the attributes that it was set with', async () => {
  for (const [secure, attributes] of [
    [true, ['Secure', 'SameSite=None']],
    [false, ['SameSite=None']],
  ] as const) {
    const jar = new CookieJar(secure);
    const app = express().get('/', (_req, res) => {
      jar.set(res, 'said', 'x', 60);
      jar.clear(res, 'provider', 'none');
      res.end();
    });
    const { headers } = await supertest(app).get('/');
    const [kept, gone] = headers['set-cookie'] as unknown as string[];
    expect(kept).toContain('Max-Age=60');
    expect(gone?.split('; ')).toEqual([
      `${secure ? '__Host-' : ''}provider=`,
      ...['Max-Age=0', 'Path=/', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'HttpOnly'],
      ...attributes,
    ]);
  }
});

describe('a browser in which somebody else has set cookies', () => {
  let pair: Pair;
  const cookieOf: Record<string, string> = {};
  beforeAll(async () => {
    pair = await startPair({
      routes: {
        mount(app) {
          // What the app knows, and what whoever asks express-session gets.
          app.get('/who', (req, res) => {
            const ours = getUser(req)?.sub ?? 'nobody';
            res.json([ours, req.session.user?.sub ?? 'nobody']);
          });
        },
      },
    });
    for (const account of ['alice', 'bob'])
      cookieOf[account] = (await pair.signIn(account)).browser.cookie('session') ?? '';
  });
  afterAll(() => pair?.stop());

  /** By node:http, which sends a header byte by byte. */
  const send = (path: string, Cookie: string) =>
    new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      request(pair.app.url(path), { headers: { Cookie } }, async (res) => {
        let body = '';
        for await (const chunk of res) body += chunk;
        resolve({ status: res.statusCode, body });
      })
        .on('error', reject)
        .end();
    });
  const who = async (Cookie: string) => JSON.parse((await send('/who', Cookie)).body);
  const warnings = () => pair.app.lines.filter(({ msg }) => msg.startsWith('a cookie of ours came twice'));

  test.each(['\xa0', '\x85', '"', 'x'])('is not signed in by a name that begins with %j', async (byte) => {
    const { alice, bob } = cookieOf;
    expect(await who(`${byte}session=${bob}`)).toEqual(['nobody', 'nobody']);
    expect(await who(`${byte}session=${bob}; session=${alice}`)).toEqual(['alice', 'alice']);
    expect(await who(`session=${alice}; ${byte}session=${bob}`)).toEqual(['alice', 'alice']);
    expect(await who(`session${byte}=${bob}; session=${alice}`)).toEqual(['alice', 'alice']);
  });

  test('is nobody where the session cookie comes twice with two values, and one line says what to do', async () => {
    const { alice, bob } = cookieOf;
    for (const twice of [
      `session=${alice}; session=${bob}`,
      `session=${bob};session=${alice}`,
      `session=; session=${alice}`,
    ]) {
      const before = warnings().length;
      expect(await who(twice)).toEqual(['nobody', 'nobody']);
      expect(warnings().slice(before)).toEqual([
        expect.objectContaining({
          level: 'warn',
          names: ['session'],
          hint: expect.stringContaining('remove it'),
        }),
      ]);
    }
    expect((await send('/profile', `session=${alice}; session=${bob}`)).status).toBe(302);
    expect(await who(`session=${alice}; session=${alice}`)).toEqual(['alice', 'alice']);
  });

  test('is the same to us and to express-session, whatever the header looks like', async () => {
    const { alice, bob } = cookieOf;
    const plain = decodeURIComponent(alice ?? '');
    for (const header of [
      `session=${plain}`,
      `session="${alice}"`,
      `session=\xa0${alice}`,
      `session=${alice}\xa0`,
      `session=${alice}; session="${bob}"`,
      `session=${alice}, session=${bob}`,
      `Session=${alice}; SESSION=${bob}`,
      `session=${alice}; session`,
      `session ; session=${alice}`,
      `__proto__=x; session=${alice}`,
      `session=%ff; \tsession\t=${bob}`,
      `session\t=\t${bob}\t`,
      `session=s%3Ax.${'.'.repeat(7_000)}`,
      '; ; = ;;',
    ]) {
      const [ours, theirs] = await who(header);
      expect(theirs, header).toBe(ours);
    }
    expect(await who(`session=${plain}`)).toEqual(['alice', 'alice']);
    expect(await who(`session\t=\t${bob}\t`)).toEqual(['bob', 'bob']);
  });

  test("cannot be made to finish somebody else's sign-in", async () => {
    const attacker = createBrowser();
    const sentOff = await attacker.get(pair.app.url('/auth/login'), { follow: false });
    const callback = new URL(await pair.provider.signIn(attacker, sentOff.location ?? '', 'bob'));
    const { name, value } = attacker.cookies.find((cookie) => cookie.name.startsWith('login-')) ?? {};
    const path = callback.pathname + callback.search;
    expect((await send(path, `\xa0${name}=${value}`)).status).toBe(400);
    expect((await send(path, `${name}=${value}; ${name}=other`)).status).toBe(400);
    expect(warnings().at(-1)?.names).toEqual(['login-…']);
    // It has not been used up by either.
    expect((await send(path, `${name}=${value}`)).status).toBe(303);
  });
});
