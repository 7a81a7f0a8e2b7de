import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nested } from './helpers/misbehaving-claims.ts';
import { expectHonestSignIn, withPair } from './helpers/misbehaving-sign-in.ts';

// However much a provider or an API says, within the bounds, a page stays small and holds nothing it must not (R23).

/** As wide, deep and full of letters that must be escaped as the bounds let through. */
const large: Record<string, Record<string, unknown>> = {
  'claims of 16 levels': { deep: nested(16) },
  '4,900 claims': Object.fromEntries(Array.from({ length: 4_900 }, (_, i) => [`claim-${i}`, i])),
  '4,900 groups': { groups: Array.from({ length: 4_900 }, (_, i) => `group-${i}`) },
  '120 KB of quotes in one claim': { quotes: '"'.repeat(60_000) },
  '120 KB of brackets in one name': { ['<'.repeat(120_000)]: true },
  'lists of lists of lists': { lists: Array(16).fill(Array(16).fill(Array(16).fill(0))) },
  '300 branches of 14 levels': { deep: Array.from({ length: 300 }, () => nested(14, '"'.repeat(20))) },
  'deep claims of 100 KB': { deep: nested(14, Array(50).fill('"'.repeat(1_000))) },
  'a name of 120 KB': { name: 'N'.repeat(120_000) },
};

describe('a sign-in with as many claims as fit', () => {
  test.each(Object.entries(large))('of %s succeeds, and each page of it is small', (_what, idToken) =>
    withPair({ lies: { idToken } }, async ({ app, open }) => {
      const profile = await open('/profile');
      expect([profile.status, profile.url]).toEqual([200, app.url('/profile')]);
      expect(profile.body.length).toBeLessThan(1_000_000);
      expect((await open('/')).body.length).toBeLessThan(20_000);
      expect(app.events('sign_in.failed')).toEqual([]);
    }),
  );
});

describe('distributed and aggregated claims', () => {
  const hidden = {
    _claim_names: { address: 'src1', credit: 'src2' },
    _claim_sources: {
      src1: { JWT: 'the-aggregated-token' },
      src2: { endpoint: 'https://bank.example/claims', access_token: 'the-access-token-of-the-bank' },
    },
  };
  const nothingOfThem = /_claim_|the-aggregated-token|the-access-token-of-the-bank|bank\.example/;

  test.each([
    ['the ID token', { idToken: hidden }],
    ['userinfo', { userinfo: { json: hidden } }],
  ])('in %s are on no page and in no answer: they may hold access tokens', (_where, lies) =>
    withPair({ lies }, async (pair) => {
      const page = await expectHonestSignIn({ ...pair, open: () => pair.open('/profile?tab=2') });
      expect(page.body).not.toMatch(nothingOfThem);
      expect((await pair.open('/auth/session')).body).not.toMatch(nothingOfThem);
      expect(JSON.stringify(pair.app.lines)).not.toMatch(nothingOfThem);
    }),
  );
});

describe('what an API answers', () => {
  let api: Server;
  let answer = '';
  beforeAll(async () => {
    api = createServer((_req, res) => void res.setHeader('Content-Type', 'application/json').end(answer));
    await once(api.listen(0, '127.0.0.1'), 'listening');
  });
  afterAll(() => void api?.close());
  const apiUrl = () => `http://127.0.0.1:${(api.address() as AddressInfo).port}/`;

  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const shown = /<summary>As JSON/;
  test('is shown within the bounds, and a sentence stands for what is beyond', () =>
    withPair({ env: { API_URL: apiUrl() } }, async ({ open }) => {
      await open('/profile');
      for (const fine of ['{"a":1}', deep(17), JSON.stringify('"'.repeat(60_000))]) {
        answer = fine;
        const page = await open('/api-data');
        expect([page.status, shown.test(page.body)]).toEqual([200, true]);
        expect(page.body).not.toContain('more than this page can show');
        expect(page.body.length).toBeLessThan(1_000_000);
      }
      for (const beyond of [
        deep(18),
        deep(5_000),
        deep(500_000),
        `[${'0,'.repeat(6_000)}0]`,
        `"${'x'.repeat(140_000)}"`,
      ]) {
        answer = beyond;
        const page = await open('/api-data');
        expect(page.status).toBe(200);
        expect(page.body).toContain('The API: too-large');
        expect(page.body.length).toBeLessThan(10_000);
      }
    }));
});
