import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Browser, Page } from './helpers/browser.ts';
import { textOf } from './helpers/instances.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';
import { resourcesOf } from './helpers/resources.ts';
import { mountCalls } from './helpers/several-apis.ts';
import { type StubApi, startStubApi } from './helpers/stub-api.ts';

// What a real provider refuses for one API is a sign-in's to cure: one that asks for this API, and no more (R13).

const features = resourcesOf({ 'https://tasks.example.com/': 'tasks.read' });
const scopes = ['openid', 'offline_access', 'profile', 'email', 'plans.read', 'lists.read', 'tasks.read'];

let api: StubApi;
let pair: Pair;
beforeAll(async () => {
  api = await startStubApi();
  const { url } = api;
  pair = await startPair({
    overrides: { features, scopes },
    env: { OIDC_PAR: 'off', SESSION_RECHECK_MINUTES: '0' },
    parts: {
      apis: () => ({
        plans: { url, scope: 'plans.read' },
        lists: { url, scope: 'lists.read' },
        never: { url, scope: 'never.read' },
        tasks: { url, resource: 'https://tasks.example.com/', scope: 'tasks.read' },
      }),
    },
    routes: { mount: mountCalls },
  });
});
afterAll(async () => {
  await pair?.stop();
  await api?.stop();
});
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

const tokenCalls = () => pair.provider.requests.filter((line) => line === 'POST /token').length;
const buttonOn = ({ body }: Page) => {
  const main = /<main[^>]*>([\s\S]*?)<\/main>/.exec(body)?.[1] ?? '';
  const [, href = ''] = /<a [^>]*href="(\/auth\/login[^"]*)"[^>]*>\s*Sign in again/.exec(main) ?? [];
  return href.replaceAll('&amp;', '&');
};

/** Presses the button of the page, and comes back from the provider. */
async function press(browser: Browser, page: Page) {
  expect([page.status, headingOf(page)]).toEqual([401, 'Please sign in again']);
  const href = buttonOn(page);
  expect(href).not.toBe('');
  const sentOff = await browser.get(pair.app.url(href), { follow: false });
  const { searchParams } = new URL(sentOff.location ?? '');
  return { asked: searchParams, back: await pair.goOn(browser, sentOff, 'alice') };
}

test('the button of the page leads to a sign-in that asks for the API’s scope, and back to the page, which works', async () => {
  const { browser, page } = await pair.signIn('alice', '/call/plans?path=/a');
  const { asked, back } = await press(browser, page);
  expect(asked.get('scope')?.split(' ')).toEqual(
    expect.arrayContaining(['openid', 'offline_access', 'plans.read', 'tasks.read']),
  );
  expect(asked.getAll('resource')).toEqual(['https://tasks.example.com/']);
  expect([back.status, back.url]).toEqual([200, pair.app.url('/call/plans?path=/a')]);
  expect(JSON.parse(back.body)).toMatchObject({ status: 200 });
  expect((await browser.get(pair.app.url('/call/tasks'))).status).toBe(200);
  expect(pair.app.events('session.ended').map(({ reason }) => reason)).not.toContain('account');
});

test('two such APIs do not send their people from one sign-in to the next, and a step-up takes neither away', async () => {
  const { browser, page } = await pair.signIn('alice', '/call/plans');
  await press(browser, page);
  const { asked, back } = await press(browser, await browser.get(pair.app.url('/call/lists')));
  expect(asked.get('scope')?.split(' ')).toEqual(expect.arrayContaining(['plans.read', 'lists.read']));
  expect(back.status).toBe(200);
  for (const name of ['plans', 'lists', 'plans']) {
    expect((await browser.get(pair.app.url(`/call/${name}`))).status, name).toBe(200);
  }
  const sentOff = await browser.get(pair.app.url('/auth/login?renew=1&returnTo=/call/plans'), {
    follow: false,
  });
  expect((await pair.goOn(browser, sentOff, 'alice')).status).toBe(200);
  expect((await browser.get(pair.app.url('/call/lists'))).status).toBe(200);
  // One that was never given is not asked for again: some providers would refuse the whole sign-in.
  await press(browser, await browser.get(pair.app.url('/call/never')));
  const usual = await browser.get(pair.app.url('/auth/login?renew=1'), { follow: false });
  expect(usual.location).toContain('plans.read');
  expect(usual.location).not.toContain('never.read');
});

test('a usual sign-in asks for the scopes of resources alone: some providers refuse the scopes of several APIs', async () => {
  const { browser } = await pair.signIn('alice');
  const sentOff = await browser.get(pair.app.url('/auth/login?renew=1&returnTo=/profile'), { follow: false });
  const scope = new URL(sentOff.location ?? '').searchParams.get('scope')?.split(' ');
  expect(scope).toContain('tasks.read');
  expect(scope).not.toContain('plans.read');
  expect(scope).not.toContain('never.read');
});

test('where the provider refuses it after that sign-in too, a page says so, and no button leads there again', async () => {
  const { browser, page } = await pair.signIn('alice', '/call/never');
  const { asked, back } = await press(browser, page);
  expect(asked.get('scope')?.split(' ')).toContain('never.read');
  expect([back.status, headingOf(back)]).toEqual([503, "We can't use a service that this page needs"]);
  expect(textOf(back)).toContain("doesn't allow this site to use it on your behalf. You're still signed in.");
  expect(buttonOn(back)).toBe('');
  expect(pair.app.events('token.refresh_failed').at(-1)?.hint).toMatch(
    /invalid_scope.*API 'never' in site\.ts, and that this client may have them at the provider/,
  );
  const line = pair.app.lines.findLast(({ msg }) => msg === 'request failed');
  expect(line).toMatchObject({ status: 503, hint: expect.stringContaining("API 'never' in site.ts") });
  // However often the page is opened, the provider is asked once a minute.
  const before = tokenCalls();
  for (let times = 0; times < 3; times++) {
    expect((await browser.get(pair.app.url('/call/never'))).status).toBe(503);
  }
  expect(tokenCalls()).toBe(before);
  vi.setSystemTime(Date.now() + 61_000);
  for (let times = 0; times < 3; times++) {
    expect(headingOf(await browser.get(pair.app.url('/call/never')))).toBe(headingOf(back));
  }
  expect(tokenCalls()).toBe(before + 1);
  // The session goes on, with a refresh token that still works.
  expect((await browser.get(pair.app.url('/profile'))).status).toBe(200);
  vi.setSystemTime(Date.now() + 290_000);
  expect((await browser.get(pair.app.url('/token'))).status).toBe(200);
});

test('a script is told by 401 and 503 as problem+json, and sent nowhere', async () => {
  const { browser } = await pair.signIn('alice');
  const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty', 'Sec-Fetch-Site': 'same-origin' };
  const told = await browser.get(pair.app.url('/call/never'), { headers, follow: false });
  expect([told.status, told.headers.get('content-type')]).toEqual([
    401,
    expect.stringMatching(/^application\/problem\+json/),
  ]);
});

test.each(['nobody', '__proto__', 'a b', ''])(
  'a link that asks for an API %j, which is none, is a usual sign-in',
  async (name) => {
    const { browser } = await pair.signIn('alice');
    const sentOff = await browser.get(
      pair.app.url(`/auth/login?renew=1&api=${encodeURIComponent(name)}&api=plans`),
      { follow: false },
    );
    expect(new URL(sentOff.location ?? '').searchParams.get('scope')).not.toContain('plans.read');
  },
);
