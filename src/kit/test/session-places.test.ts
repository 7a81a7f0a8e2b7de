import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import type { PlaceContext } from '../session/sign-in-hook.ts';
import { startApp } from './helpers/app.ts';
import { createBrowser, markOn } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';

// `place` in site.ts: from where somebody signs in. It helps people to know their sessions again, and decides nothing.

let pair: Pair;
let place: (at: PlaceContext) => unknown;
let asked: PlaceContext[];

beforeAll(async () => {
  pair = await startPair({
    env: { OIDC_PAR: 'off' },
    parts: {
      place: (at: PlaceContext) => {
        asked.push(at);
        return place(at) as string;
      },
    },
  });
});
afterAll(() => pair?.stop());
beforeEach(async () => {
  asked = [];
  await pair.provider.sendLogoutToken(pair.provider.clientId, { sub: 'alice' });
});
afterEach(() => {
  vi.useRealTimers();
});

const headers = { 'X-City': 'Berlin, Germany' };
const signIn = () => pair.signIn('alice', '/sessions', createBrowser({ headers }));
const logged = () => pair.app.lines.filter(({ msg }) => msg === 'a session is kept without a place');
/** What a card of the page has as its place; undefined where it has none. */
const placeOn = (body: string) => /<bdi class="faint">([^<]*)<\/bdi>/.exec(body)?.[1];

test('is asked once at each sign-in, is handed the request, and stays with the session', async () => {
  place = ({ req }) => req.get('X-City');
  const { browser, page } = await signIn();
  expect(placeOn(page.body)).toBe('Berlin, Germany');
  for (const path of ['/profile', '/sessions']) await browser.get(pair.app.url(path));
  expect(asked).toHaveLength(1);
  expect(asked[0]).toMatchObject({
    data: { greeting: 'Hello' },
    settings: expect.any(Object),
    log: expect.any(Object),
  });
  expect(asked[0]?.req.path).toBe('/callback');

  place = async () => 'Paris, France';
  const other = await signIn();
  expect(textOf(other.page)).toMatch(
    /This browser Paris, France Signed in .* Firefox on Linux \(1\) Berlin, Germany/,
  );
  expect(asked).toHaveLength(2);
  // It says where people are: the log has nothing of it.
  expect(JSON.stringify(pair.app.lines)).not.toContain('Paris');
});

test('a new sign-in in the same browser, as a step-up is, asks again', async () => {
  place = () => 'Berlin';
  const { browser } = await signIn();
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 11 * 60_000 });
  place = () => 'Potsdam';
  const form = markOn(await browser.get(pair.app.url('/sessions')));
  const sentOff = await browser.post(pair.app.url('/sessions/end-others'), form, { follow: false });
  const back = await pair.goOn(browser, sentOff, 'alice');
  expect([back.url, placeOn(back.body)]).toEqual([pair.app.url('/sessions'), 'Potsdam']);
  expect(asked).toHaveLength(2);
});

test('a sign-in that is refused asks nothing', async () => {
  place = () => 'Berlin';
  const page = await createBrowser().get(pair.app.url('/auth/callback?state=made-up&code=made-up'));
  expect(page.status).toBeGreaterThanOrEqual(400);
  expect(asked).toEqual([]);
});

describe('what it returns', () => {
  const long = 'x'.repeat(1_000_000);
  test.each([
    ['nothing', undefined, undefined],
    ['an empty text', '', undefined],
    ['blanks', ' \n\t ', undefined],
    ['what nobody sees', '\u200b\u2060\ufeff\u00ad\u{e0041}', undefined],
    ['control characters alone', '\u0000\u001b\u009b', undefined],
    ['one that is too long', long, 'x'.repeat(80)],
    ['letters of two units', '🏙'.repeat(100), '🏙'.repeat(80)],
    ['half a letter', 'Berlin \ud83c', 'Berlin \ufffd'],
    ['several lines and control characters', ' Berlin,\r\n\u0000Germany\u001b[2J ', 'Berlin, Germany [2J'],
    ['markup', '<script>alert(1)</script>&amp;', '&lt;script&gt;alert(1)&lt;/script&gt;&amp;amp;'],
    ['what turns the direction of text', 'Ber\u202enil\u2066', 'Ber nil'],
    ['text from right to left', 'תל אביב, ישראל', 'תל אביב, ישראל'],
  ])('%s', async (_what, given, shown) => {
    const before = logged().length;
    place = () => given;
    const { page } = await signIn();
    expect([page.status, placeOn(page.body)]).toEqual([200, shown]);
    expect(page.body).not.toContain('undefined');
    expect(logged()).toHaveLength(before);
  });
});

describe('costs nobody their sign-in, and the log says what to do, where it', () => {
  const never = () => new Promise(() => {});
  test.each([
    [
      'throws',
      () => {
        throw new Error('no such city');
      },
      'no such city',
    ],
    ['rejects', async () => Promise.reject(new Error('away')), 'away'],
    ['throws no error', () => Promise.reject('away'), 'something that is no Error was thrown'],
    ['takes more than a second', never, 'it took more than 1 second'],
    ['returns a number', () => 7, 'it must return text, or undefined'],
    ['returns null', () => null, 'it must return text, or undefined'],
    ['returns an object', () => ({ city: 'Berlin' }), 'it must return text, or undefined'],
  ])('%s', async (_what, does, message) => {
    const before = logged().length;
    place = does;
    const { page } = await signIn();
    expect([page.status, headingOf(page), placeOn(page.body)]).toEqual([
      200,
      'Where you are signed in',
      undefined,
    ]);
    expect(logged()).toHaveLength(before + 1);
    expect(logged().at(-1)).toMatchObject({
      hint: 'fix `place` in site.ts: the cause says what failed',
      causes: [{ message }],
    });
  });
});

test('a site without it shows none, and one that is no function stops the start', async () => {
  const plain = await startPair();
  onTestFinished(() => plain.stop());
  expect(placeOn((await plain.signIn('alice', '/sessions')).page.body)).toBeUndefined();
  await expect(startApp({}, undefined, { place: 'Berlin' } as never)).rejects.toThrow(
    'site.ts: `place` must be a function',
  );
});
