import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { localPath, localTarget } from '../http/return-path.ts';
import { createBrowser } from './helpers/browser.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// Where a sign-in may lead afterwards (R7, RFC 9700 §4.11): to an address of this site, and nowhere else.

const stays = [
  '/',
  '/profile',
  '/profile?tab=a%20b&x=1',
  '/profile?next=https://evil.example/',
  '/profile?next=//evil.example',
  '/a/b/c',
  '/a%2Fb',
  '/%2F%2Fevil.example',
  '/@evil.example',
  '/:80',
  '/auth',
  '/authors',
  '/?x=1',
  `/${'a'.repeat(2047)}`,
  `/${'%E3%81%82'.repeat(227)}`,
];

const goesHome: [why: string, value: unknown][] = [
  ['nothing', undefined],
  ['an empty text', ''],
  ['a list, as ?returnTo=/a&returnTo=/b gives', ['/profile', '/sessions']],
  ['an object, as ?returnTo[x]=/a may give', { x: '/profile' }],
  ['a number', 7],
  ['another site', 'https://evil.example/'],
  ['another site, its scheme in capitals', 'HTTPS://evil.example/'],
  ['another site by two slashes', '//evil.example'],
  ['another site by three slashes', '///evil.example'],
  ['another site by slash and backslash', '/\\evil.example'],
  ['another site by two backslashes', '\\\\evil.example'],
  ['a backslash further on', '/a\\b'],
  ['another site by dots', '/.//evil.example'],
  ['another site by dots that are escaped', '/%2e//evil.example'],
  ['another site by going up', '/a/..//evil.example'],
  ['another site by going up, escaped', '/a/%2e%2e//evil.example'],
  ['a tab that browsers leave out', '/\t/evil.example'],
  ['a tab before the slashes', '\t//evil.example'],
  ['a line feed', '/a\nSet-Cookie: x=1'],
  ['a carriage return', '/a\r\nLocation: https://evil.example'],
  ['a null character', '/a\0'],
  ['a delete character', '/a\x7f'],
  ['a line end of the second set of control characters', '/a\x85b'],
  ['a control character that begins a sequence', '/a\x9b31m'],
  ['a space before it', ' /profile'],
  ['a script', 'javascript:alert(1)'],
  ['data', 'data:text/html,<script>alert(1)</script>'],
  ['a path without a slash', 'profile'],
  ['a user name', 'evil.example@/profile'],
  ['more than 2 KB', `/${'a'.repeat(2048)}`],
  ['more than 2 KB once the letters of a path are escaped', `/${'あ'.repeat(400)}`],
  ['more than 2 KB once the letters of a query are escaped', `/profile?q=${'ü'.repeat(341)}`],
  ['more than 2 KB once quotes are escaped', `/?q=${'"'.repeat(700)}`],
  ['more than 2 KB once emoji are escaped', `/${'😀'.repeat(171)}`],
  ['the sign-in itself', '/auth/login?returnTo=/profile'],
  ['the sign-out', '/auth/logout'],
  ['the callback in other letters', '/AUTH/callback?code=x'],
  ['the callback by a detour', '/x/../auth/callback'],
  ['half of a surrogate pair that is no address', '//\ud800'],
];

describe('a return path', () => {
  test.each(stays)('%s is kept', (path) => {
    expect(localPath(path)).toBe(path);
  });

  test.each(goesHome)('that is %s leads to the home page', (_, value) => {
    expect(localPath(value)).toBe('/');
  });

  test('loses its fragment, and comes out as a browser would write it', () => {
    expect(localPath('/profile#part')).toBe('/profile');
    expect(localPath('/a/../profile?x=ä')).toBe('/profile?x=%C3%A4');
  });

  test('of 2 KB is counted as it is sent', () => {
    expect(localPath(`/${'あ'.repeat(227)}`)).toBe(`/${'%E3%81%82'.repeat(227)}`);
    expect(localPath(`/${'あ'.repeat(228)}`)).toBe('/');
    expect(localPath(`/x/../${'a'.repeat(2_041)}#part`)).toBe('/');
  });

  test('may be a whole address of this site where a third party names it, and of no other', () => {
    const baseUrl = 'https://app.example';
    expect(localTarget('https://app.example/profile?x=1', baseUrl)).toBe('/profile?x=1');
    expect(localTarget('/profile', baseUrl)).toBe('/profile');
    for (const foreign of [
      'https://app.example.evil.example/profile',
      'https://app.example@evil.example/',
      'https://app.example:444/profile',
      'http://app.example/profile',
      'https://app.example//evil.example',
      'https://app.example/\\evil.example',
      'https://app.example/auth/logout',
      'https://app.example',
    ]) {
      expect(localTarget(foreign, baseUrl), foreign).toBe('/');
    }
  });
});

describe('a sign-in that was started with a return path', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair();
  });
  afterAll(() => pair?.stop());

  const hostile = goesHome.flatMap(([why, value]) =>
    typeof value === 'string' ? [[why, value] as const] : [],
  );
  const chosen = hostile.filter(([why]) => /slash|dots|tab|carriage|script|KB|another site$/.test(why));

  test.each(chosen)('of %s lands on the home page', async (_, value) => {
    const { page, browser } = await pair.signIn('bob', `/auth/login?returnTo=${encodeURIComponent(value)}`);
    expect([page.status, page.url]).toEqual([200, pair.app.url('/')]);
    expect(browser.visited.every((line) => /^(GET|POST) http:\/\/(127\.0\.0\.1|localhost):/.test(line))).toBe(
      true,
    );
    // Somebody who is signed in already is sent on at once, by the same rule.
    const again = await browser.get(pair.app.url(`/auth/login?returnTo=${encodeURIComponent(value)}`), {
      follow: false,
    });
    expect(again.headers.get('location')).toBe('/');
  });

  test('given twice lands on the home page', async () => {
    const { page } = await pair.signIn('bob', '/auth/login?returnTo=/profile&returnTo=/sessions');
    expect(page.url).toBe(pair.app.url('/'));
  });

  // RFC 6265bis §5.6: a browser drops a cookie whose name and value are longer than 4,096 bytes together.
  test.each([
    ['letters', `/profile?q=${'a'.repeat(2_037)}`],
    ['letters that are escaped', `/profile?q=${'あ'.repeat(226)}`],
    ['quotes, which JSON escapes', `/profile?q=${`"'`.repeat(338)}`],
    ['signs that addresses escape', `/${"%5C'%00~!*()".repeat(170)}`],
  ])('of 2 KB of %s fits into a cookie that browsers keep, and lands there', async (_, path) => {
    const sent = localPath(path);
    expect(sent.length).toBeGreaterThan(2_000);
    const browser = createBrowser();
    const sentOff = await browser.get(pair.app.url(`/auth/login?returnTo=${encodeURIComponent(path)}`), {
      follow: false,
    });
    const [cookie = ''] = sentOff.headers.getSetCookie().filter((each) => each.startsWith('login-'));
    expect(cookie).not.toBe('');
    expect(`__Host-${cookie}; Secure`.length).toBeLessThan(4_096);
    const callback = await pair.provider.signIn(browser, sentOff.location ?? '', 'bob');
    expect((await browser.get(callback, { follow: false })).headers.get('location')).toBe(sent);
  });

  test('of this site lands there', async () => {
    const { page } = await pair.signIn('bob', '/auth/login?returnTo=%2Fprofile%3Fnext%3D%2F%2Fevil.example');
    expect(page.url).toBe(pair.app.url('/profile?next=//evil.example'));
  });

  test('is not taken from what comes back with the answer', async () => {
    const browser = createBrowser();
    const sentOff = await browser.get(pair.app.url('/profile'), { follow: false });
    const callback = await pair.provider.signIn(browser, sentOff.location ?? '', 'bob');
    const landed = await browser.get(`${callback}&returnTo=https://evil.example`, { follow: false });
    expect([landed.status, landed.location]).toEqual([303, pair.app.url('/profile')]);
  });

  test('the page after a sign-out takes no other site either', async () => {
    const page = await createBrowser().get(pair.app.url('/signed-out?returnTo=https://evil.example'));
    expect(page.body).not.toContain('evil.example');
    expect(page.body).toContain('/auth/login?returnTo=%2F"');
  });
});
