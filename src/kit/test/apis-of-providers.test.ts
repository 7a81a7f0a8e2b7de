import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { resourcesOf } from './helpers/resources.ts';
import { mountCalls } from './helpers/several-apis.ts';
import { type StubApi, startStubApi } from './helpers/stub-api.ts';
import { startTwoProviders, type TwoProviders } from './helpers/two-providers.ts';

// An API says whose access tokens it takes. Another provider's session gets a 403, and nothing of it is sent anywhere.

let two: TwoProviders;
let notes: StubApi;
let plans: StubApi;
beforeAll(async () => {
  [notes, plans] = await Promise.all([startStubApi(), startStubApi()]);
  const apis = () => ({
    first: { url: notes.url },
    notes: { url: notes.url, scope: 'notes.read' },
    swap: { url: notes.url, exchange: true, audience: 'swap' },
    resource: { url: notes.url, resource: 'https://notes.example.com' },
    plans: { url: plans.url, providers: 'google' },
    both: { url: plans.url, providers: ['work', 'google'] },
  });
  two = await startTwoProviders({
    ...{ site: { apis }, mount: mountCalls },
    env: { OIDC_WORK_PAR: 'off', OIDC_GOOGLE_PAR: 'off' },
    providers: {
      work: { overrides: { features: resourcesOf({ 'https://notes.example.com': 'notes.read' }) } },
    },
  });
});
afterAll(async () => {
  await two?.stop();
  await Promise.all([notes?.stop(), plans?.stop()]);
});
beforeEach(() => {
  notes.calls.length = 0;
  plans.calls.length = 0;
});

test.each(['first', 'notes', 'swap', 'resource'])(
  'the API %s of the first provider gets nothing of a session of the second, nor does a token endpoint',
  async (name) => {
    const { browser } = await two.signIn('google', 'alice');
    const before = [two.work.requests.length, two.google.requests.length];
    const sign = await browser.get(two.url(`/call/${name}`));
    const token = await browser.get(two.url(`/token/${name}`));
    const asScript = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Site': 'same-origin' };
    const script = await browser.get(two.url(`/call/${name}`), { headers: asScript });
    expect([sign.status, token.status, script.status]).toEqual([403, 403, 403]);
    expect(sign.body).toContain('Contoso');
    expect([two.work.requests.length, two.google.requests.length]).toEqual(before);
    expect([notes.calls, plans.calls]).toEqual([[], []]);
    expect((await browser.get(two.url('/profile'))).status).toBe(200);
  },
);

test('an API of the second provider takes its tokens alone, and one of both takes each', async () => {
  const [work, google] = [await two.signIn('work', 'alice'), await two.signIn('google', 'alice')];
  expect((await work.browser.get(two.url('/call/plans'))).status).toBe(403);
  expect(plans.calls).toEqual([]);
  expect((await google.browser.get(two.url('/call/plans'))).status).toBe(200);
  expect((await google.browser.get(two.url('/call/both'))).status).toBe(200);
  expect((await work.browser.get(two.url('/call/both'))).status).toBe(200);
  const [first, second, third] = plans.calls.map(({ token }) => token);
  expect(first).toBe(second);
  expect(third).not.toBe(first);
  expect((await work.browser.get(two.url('/call/first'))).status).toBe(200);
});

test('a sign-in at one provider asks for nothing that is another one’s API’s, also where a link says so', async () => {
  for (const [name, resources] of [
    ['work', ['https://notes.example.com']],
    ['google', []],
  ] as const) {
    const sentOff = await createBrowser().get(two.url(`/auth/login/${name}?api=notes`), { follow: false });
    const { searchParams } = new URL(sentOff.location ?? '');
    expect(searchParams.getAll('resource')).toEqual(resources);
    expect(searchParams.get('scope')?.includes('notes.read')).toBe(name === 'work');
  }
});
