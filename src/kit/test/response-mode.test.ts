import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { type HttpsPair, startHttpsPair } from './helpers/https-front.ts';

// OIDC_RESPONSE_MODE=form_post: the provider's page posts the answer here (OAuth 2.0 Form Post Response Mode). What an
// honest answer, one in the address and one too large come to stands in callback.test.ts.

let pair: HttpsPair;
beforeAll(async () => {
  pair = await startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post' });
});
afterAll(() => pair?.stop());

async function answered(browser = createBrowser({ ca: pair.ca })) {
  const { location = '' } = await browser.get(pair.url('/profile'), { follow: false });
  const { url, form = {} } = await pair.provider.answer(browser, location, 'alice');
  const post = (fields: Record<string, string> | [string, string][], from = pair.provider.issuer) =>
    browser.post(url, fields, {}, from);
  return { browser, url, form, post, asked: new URL(location).searchParams };
}

const tokenCalls = () => pair.provider.requests.filter((line) => line === 'POST /token').length;
const failures = () => pair.app.events('sign_in.failed');
const sessionOf = (browser: ReturnType<typeof createBrowser>) => browser.cookie('__Host-session');

test('an answer by form leaves no code in any address, and signs in as often as asked', async () => {
  const { browser, form, post } = await answered();
  expect((await post(form)).url).toBe(pair.url('/profile'));
  expect(browser.visited.join()).not.toContain(form.code);
  expect((await browser.get(pair.url('/profile'))).body).toContain('Alice Adams');
  const again = await answered();
  expect((await again.post(again.form)).status).toBe(200);
});

test.each(['code', 'state', 'iss'])(
  'a form with two fields called %s is refused, its code not sent',
  async (name) => {
    const { browser, form, post } = await answered();
    const [calls, failed] = [tokenCalls(), failures().length];
    const page = await post([...Object.entries(form), [name, 'another']] as [string, string][]);
    expect(page.status).toBe(400);
    expect(failures().slice(failed)).toMatchObject([{ reason: 'callback_parameters' }]);
    expect([tokenCalls(), sessionOf(browser)]).toEqual([calls, undefined]);
  },
);

test('a refusal by form gives the page that a refusal by address gives', async () => {
  const { form, post } = await answered();
  const { code: _, ...rest } = form;
  const page = await post({
    ...rest,
    error: 'access_denied',
    error_description: '<script>alert(1)</script>',
  });
  expect(page.status).toBe(403);
  expect(page.body).not.toContain('alert(1)');
  expect(failures().at(-1)?.reason).toBe('access_denied');
});

test('a form for a sign-in of another browser signs nobody in', async () => {
  const attacker = await answered();
  const victim = createBrowser({ ca: pair.ca });
  const page = await victim.post(attacker.url, attacker.form, {}, 'https://evil.example');
  expect(page.status).toBe(400);
  expect(failures().at(-1)?.reason).toBe('state_unknown');
  expect(sessionOf(victim)).toBeUndefined();
});

test('a body that is no form is no answer', async () => {
  const { browser, url, form } = await answered();
  const visit = { headers: { 'Content-Type': 'application/json' } };
  const page = await browser.post(url, form, visit, pair.provider.issuer);
  expect(page.status).toBe(400);
  expect(sessionOf(browser)).toBeUndefined();
});

// Some providers do not know form_post and answer by the address. The same checks hold for it, so it is taken.
test('an answer in the address all the same signs in, once', async () => {
  const { browser, url, form } = await answered();
  const address = `${url}?${new URLSearchParams(form)}`;
  expect((await browser.get(address)).url).toBe(pair.url('/profile'));
  expect(sessionOf(browser)).toBeDefined();
  browser.clearCookies();
  expect((await browser.get(address)).status).toBe(400);
});

test('the session cookie stays SameSite=Lax; only what must come with the answer does not', async () => {
  const { browser, form, post } = await answered();
  await post(form);
  const lines = browser.setCookies.filter(({ url }) => url.startsWith(pair.url(''))).map(({ line }) => line);
  expect(lines.length).toBeGreaterThanOrEqual(3);
  for (const line of lines) {
    expect(line).toMatch(/^__Host-(login-|sign-ins=)/.test(line) ? /; SameSite=None$/ : /; SameSite=Lax$/);
    expect(line).toContain('; Secure');
  }
});

test('a new sign-in ends the session that the browser had before (ASVS 7.2.4)', async () => {
  const browser = createBrowser({ ca: pair.ca });
  const first = await answered(browser);
  await first.post(first.form);
  const former = browser.cookieHeader(pair.url('/'));
  const renewed = await browser.get(pair.url('/auth/login?renew=1&returnTo=/profile'), { follow: false });
  const { form = {}, url } = await pair.provider.answer(browser, renewed.location ?? '', 'alice');
  expect((await browser.post(url, form, {}, pair.provider.issuer)).status).toBe(200);
  const thief = createBrowser({ ca: pair.ca, headers: { Cookie: former } });
  expect((await thief.get(pair.url('/profile'), { follow: false })).status).toBe(302);
});

test('sign-ins that renew a session never count here either, though the answer does not show it (R4)', async () => {
  const browser = createBrowser({ ca: pair.ca });
  const first = await answered(browser);
  await first.post(first.form, pair.provider.issuer);
  for (let round = 1; round <= 5; round++) {
    const renewed = await browser.get(pair.url('/auth/login?renew=1&returnTo=/nowhere'), { follow: false });
    expect(renewed.location?.startsWith(pair.provider.issuer), `round ${round}`).toBe(true);
    const { form = {}, url } = await pair.provider.answer(browser, renewed.location ?? '', 'alice');
    await browser.post(url, form, {}, pair.provider.issuer);
  }
  expect((await browser.get(pair.url('/profile'))).status).toBe(200);
});

test('three sign-ins that lead nowhere stop here too (R4)', async () => {
  const browser = createBrowser({ ca: pair.ca });
  for (let round = 1; round <= 3; round++) {
    const { url, form } = await answered(browser);
    const sent = await browser.post(url, form, { follow: false }, pair.provider.issuer);
    expect(sent.status).toBe(303);
    // It does not keep the session.
    const session = browser.cookies.findIndex(({ name }) => name === '__Host-session');
    browser.cookies.splice(session, 1);
  }
  const page = await browser.get(pair.url('/profile'), { follow: false });
  expect([page.status, failures().at(-1)?.reason]).toEqual([400, 'loop']);
});
