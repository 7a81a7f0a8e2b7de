import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limitsPerMinute } from '../http/rate-limits.ts';
import { createBrowser } from './helpers/browser.ts';
import { statusOf } from './helpers/instances.ts';
import { type Pair, startPair } from './helpers/pair.ts';

// Any page can load the front-channel address in the browser of anybody, and whoever is behind the same address as that
// browser shares its limit. What the provider's own frame says must still be done.

let pair: Pair;

beforeAll(async () => {
  pair = await startPair();
  const { frontchannel } = limitsPerMinute;
  for (let sent = 0; sent <= frontchannel; sent += 20)
    await Promise.all(
      Array.from({ length: 20 }, (_, one) => load({ ...known(), sid: `made up ${sent + one}` })),
    );
});
afterAll(() => pair?.stop());

const known = () => ({ iss: pair.provider.issuer });

function load(query: Record<string, string>, more: Record<string, string> = {}) {
  const headers = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Dest': 'iframe', ...more };
  const address = pair.app.url(`/auth/frontchannel-logout?${new URLSearchParams(query)}`);
  return createBrowser().get(address, { headers, follow: false });
}

const sidOfLast = () => pair.provider.listSessions().at(-1)?.clients[0]?.sid ?? '';

describe('after more front-channel calls than an address may make in a minute', () => {
  test('the log says so once', () => {
    expect(pair.app.events('request.rate_limited')).toMatchObject([{ reason: 'frontchannel' }]);
  });

  test('the frame of the provider ends the session that it names, and no other', async () => {
    const { browser } = await pair.signIn('alice');
    const sid = sidOfLast();
    const other = await pair.signIn('alice');
    expect((await load({ ...known(), sid })).status).toBe(200);
    expect(await statusOf(browser, pair.app)).toBe(401);
    expect(await statusOf(other.browser, pair.app)).toBe(200);
    expect(pair.app.events('session.ended').at(-1)).toMatchObject({ sub: 'alice', reason: 'provider' });
  });

  test('the answer still does not tell whether somebody is signed in', async () => {
    await pair.signIn('alice');
    const shape = async (sid: string) => {
      const { status, body, headers } = await load({ ...known(), sid });
      return { status, body, headers: [...headers].filter(([name]) => !/^(date|x-request-id)$/.test(name)) };
    };
    expect(await shape('unknown')).toEqual(await shape(sidOfLast()));
  });

  test('one that would be refused is not even logged: 429', async () => {
    const before = pair.app.events('logout_token.refused').length;
    for (const query of [{ sid: 'a' }, known(), { iss: 'https://other.example.com', sid: 'a' }]) {
      const answer = await load(query as Record<string, string>);
      expect([answer.status, answer.headers.get('cache-control')]).toEqual([429, 'no-store']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await load({ ...known(), sid: 'a' }, { 'Sec-Fetch-Dest': 'document' })).status).toBe(429);
    expect(pair.app.events('logout_token.refused')).toHaveLength(before);
  });
});
