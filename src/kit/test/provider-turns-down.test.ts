import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Page } from './helpers/browser.ts';
import { createBrowser } from './helpers/browser.ts';
import { type HttpsPair, startHttpsPair } from './helpers/https-front.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import { type Pair, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf } from './helpers/pair.ts';

// The provider answers that it lets nobody in, or that its own page was open too long. What it says of the reason is for
// the log; the page offers the ways on (R4, R19).

const refusal = (error: string, error_description?: string, more: object = {}): Lies => ({
  answer: { code: undefined, error, error_description, ...more },
});
const expired = refusal('temporarily_unavailable', 'authentication_expired');

/** Goes to the provider from a page or a redirect, which then lies; returns the answer's address, not opened. */
async function answerTo({ browser, op }: Pair, sentOff: Page, lies: Lies = {}): Promise<string> {
  expect(sentOff.location?.startsWith(op.origin), `${sentOff.status} ${sentOff.location}`).toBe(true);
  op.next(lies);
  return (await browser.get(sentOff.location ?? '', { follow: false })).location ?? '';
}

const leave = ({ browser, app }: Pair, path: string) => browser.get(app.url(path), { follow: false });

describe('somebody whom the provider does not let in', () => {
  test.each(['access_denied', 'consent_required', 'interaction_required'])(
    'by %s may try again, or use another account',
    async (error) => {
      await withPair({}, async (pair) => {
        const { browser, app } = pair;
        const callback = await answerTo(pair, await leave(pair, '/profile?tab=1'), refusal(error));
        const page = await browser.get(callback);
        expect([page.status, headingOf(page)]).toEqual([403, "Your sign-in wasn't completed"]);
        expect(page.body).toContain('href="/auth/login?returnTo=%2Fprofile%3Ftab%3D1"');
        expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'access_denied', error }]);
        // The other button, as it stands on the page.
        const sent = await browser.submit(page, {}, { follow: false });
        expect(new URL(sent.location ?? '').searchParams.get('prompt')).toBe('select_account');
        const landed = await browser.get(await answerTo(pair, sent));
        expect([landed.status, landed.url]).toEqual([200, app.url('/profile?tab=1')]);
      });
    },
  );

  test.each(['login_required', 'account_selection_required'])(
    'but has to be asked (%s) reads that',
    async (error) => {
      await withPair({}, async (pair) => {
        const page = await pair.browser.get(
          await answerTo(pair, await leave(pair, '/profile'), refusal(error)),
        );
        expect([page.status, headingOf(page)]).toEqual([
          400,
          expect.stringMatching(/^[\w.]+:\d+ needs more information from you$/),
        ]);
        expect(pair.app.events('sign_in.failed')).toMatchObject([{ reason: 'login_required', error }]);
      });
    },
  );
});

describe("the provider's words on a failure", () => {
  const code = `c0de-${'x7'.repeat(20)}`;
  const cases: [what: string, description: string, logged: RegExp][] = [
    [
      'as they are',
      'User is not assigned to the client application',
      /^User is not assigned to the client application$/,
    ],
    ['cut at 200 characters', 'no '.repeat(500), /^(no ){66}n…$/],
    [
      'without control characters',
      'one\r\ntwo\u0000\u001b[31m\u202ethree\u2028',
      /^one {2}two {2}\[31m three $/,
    ],
    [
      'without a token',
      `eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.${'s'.repeat(20)} is refused`,
      /^\[redacted\] is refused$/,
    ],
    ['without a code', `the code ${code} is spent`, /^the code \[redacted\] is spent$/],
    ['without a secret', 'client_secret=hunter2hunter2 is wrong', /^client_secret=\[redacted\] is wrong$/],
    [
      'without a secret that a control character hides',
      'eyJhbGci\u0000OiJub25lIn0',
      /^\[redacted\] OiJub25lIn0$/,
    ],
  ];
  test.each(cases)('are in the audit event, %s, and on no page', async (_, description, logged) => {
    await withPair({}, async (pair) => {
      const { browser, app } = pair;
      const lies = refusal('access_denied', description);
      const page = await browser.get(await answerTo(pair, await leave(pair, '/profile'), lies));
      expect(page.status).toBe(403);
      const [event] = app.events('sign_in.failed');
      expect(event).toMatchObject({ reason: 'access_denied', error: 'access_denied' });
      expect(event?.error_description).toMatch(logged);
      expect(String(event?.error_description).length).toBeLessThanOrEqual(200);
      for (const word of description.split(/[^\w]+/).filter((each) => each.length > 5)) {
        expect(page.body).not.toContain(word);
      }
    });
  });

  const answers: [at: 'token' | 'par', lies: Lies, reason: string][] = [
    [
      'token',
      { token: { status: 400, body: '{"error":"invalid_grant","error_description":"Code is expired"}' } },
      'token_refused',
    ],
    [
      'token',
      {
        token: {
          status: 401,
          headers: {
            'www-authenticate':
              'Basic realm="x", error="invalid_client", error_description="Code is expired"',
          },
          body: '{}',
        },
      },
      'token_refused',
    ],
    [
      'par',
      { par: { status: 400, body: '{"error":"invalid_scope","error_description":"Code is expired"}' } },
      'provider_error',
    ],
  ];
  test.each(answers)('at the %s endpoint are there as well: %o', async (at, lies, reason) => {
    await withPair({ op: { par: at === 'par' }, lies }, async ({ app, open }) => {
      const page = await open('/profile');
      expect(page.status).toBe(502);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason, error_description: 'Code is expired' }]);
      expect(page.body).not.toContain('Code is expired');
    });
  });
});

describe("an answer that says that the provider's page was open too long (Keycloak's authentication_expired)", () => {
  test('starts again at once for the same path, and lands there', async () => {
    await withPair({}, async (pair) => {
      const { browser, app } = pair;
      const callback = await answerTo(pair, await leave(pair, '/profile?tab=1'), expired);
      const again = await browser.get(callback, { follow: false });
      const landed = await browser.get(await answerTo(pair, again));
      expect([landed.status, landed.url]).toEqual([200, app.url('/profile?tab=1')]);
      expect(app.events('sign_in.failed')).toMatchObject([{ reason: 'authentication_expired' }]);
    });
  });

  test('does so once: then comes a page with one way on, which starts from the beginning', async () => {
    await withPair({}, async (pair) => {
      const { browser, app } = pair;
      let page = await leave(pair, '/profile?tab=1');
      for (let round = 1; round <= 2; round++) {
        page = await browser.get(await answerTo(pair, page, expired), { follow: false });
      }
      expect([page.status, page.location, headingOf(page)]).toEqual([
        400,
        undefined,
        'The sign-in page had expired',
      ]);
      const href = '/auth/login?returnTo=%2Fprofile%3Ftab%3D1';
      expect(page.body).toContain(`href="${href}"`);
      expect(app.events('sign_in.failed').map(({ reason }) => reason)).toEqual([
        'authentication_expired',
        'authentication_expired',
      ]);
      const once = await browser.get(await answerTo(pair, await leave(pair, href), expired), {
        follow: false,
      });
      expect((await browser.get(await answerTo(pair, once))).url).toBe(app.url('/profile?tab=1'));
    });
  });

  test('leads somebody who has signed in meanwhile to the page, and starts nothing', async () => {
    await withPair({}, async (pair) => {
      const { browser, app, op, open } = pair;
      const old = await answerTo(pair, await leave(pair, '/profile?tab=1'), expired);
      await open('/profile?tab=2');
      const asked = op.calls.authorization;
      const page = await browser.get(old);
      expect([page.status, page.url]).toEqual([200, app.url('/profile?tab=1')]);
      expect(op.calls.authorization).toBe(asked);
    });
  });

  test('is used up: the same answer again starts nothing', async () => {
    await withPair({}, async (pair) => {
      const { browser } = pair;
      const callback = await answerTo(pair, await leave(pair, '/profile'), expired);
      await browser.get(callback, { follow: false });
      const again = await browser.get(callback, { follow: false });
      expect([again.status, headingOf(again)]).toEqual([400, 'This sign-in has expired']);
    });
  });

  test('is bounded by the loop guard', async () => {
    await withPair({}, async (pair) => {
      const { browser } = pair;
      // It left before the others came back.
      const early = await answerTo(pair, await leave(pair, '/profile?tab=early'), expired);
      for (let round = 1; round <= 3; round++) {
        const callback = await answerTo(pair, await leave(pair, '/profile'));
        expect((await browser.get(callback, { follow: false })).status).toBe(303);
        browser.cookies.splice(
          browser.cookies.findIndex(({ name }) => name === 'session'),
          1,
        );
      }
      const page = await browser.get(early, { follow: false });
      expect([page.status, headingOf(page)]).toEqual([400, "We can't keep you signed in"]);
    });
  });

  const others: [what: string, lies: Lies, status: number][] = [
    ['another description', refusal('temporarily_unavailable', 'authentication_expired.'), 503],
    ['no description', refusal('temporarily_unavailable'), 503],
    ['another case', refusal('temporarily_unavailable', 'Authentication_expired'), 503],
    ['another error', refusal('server_error', 'authentication_expired'), 502],
    [
      'another issuer',
      refusal(expired.answer?.error as string, 'authentication_expired', {
        iss: 'https://other.example.com',
      }),
      400,
    ],
    [
      'an unknown state',
      refusal('temporarily_unavailable', 'authentication_expired', { state: 'a'.repeat(43) }),
      400,
    ],
  ];
  test.each(others)('counts only exactly so: with %s nothing restarts', async (_, lies, status) => {
    await withPair({}, async (pair) => {
      const callback = await answerTo(pair, await leave(pair, '/profile'), lies);
      const asked = pair.op.calls.authorization;
      const page = await pair.browser.get(callback);
      expect(page.status).toBe(status);
      expect(pair.op.calls.authorization).toBe(asked);
    });
  });

  describe('by form_post', () => {
    let https: HttpsPair;
    beforeAll(async () => {
      https = await startHttpsPair({ OIDC_RESPONSE_MODE: 'form_post' });
    });
    afterAll(() => https?.stop());

    async function expiredForm(browser: ReturnType<typeof createBrowser>) {
      const { location = '' } = await browser.get(https.url('/profile?tab=1'), { follow: false });
      const { url, form = {} } = await https.provider.answer(browser, location, 'alice');
      const { code: _, ...rest } = form;
      const fields = {
        ...rest,
        error: 'temporarily_unavailable',
        error_description: 'authentication_expired',
      };
      const visit = { follow: (address: string) => address.startsWith(https.url('/')) };
      return () => browser.post(url, fields, visit, https.provider.issuer);
    }

    test('leads somebody who has signed in meanwhile to the page, although the form hides it', async () => {
      const browser = createBrowser({ ca: https.ca });
      const send = await expiredForm(browser);
      const { location = '' } = await browser.get(https.url('/profile?tab=2'), { follow: false });
      const { url, form = {} } = await https.provider.answer(browser, location, 'alice');
      await browser.post(url, form, {}, https.provider.issuer);
      const page = await send();
      expect([page.status, page.url]).toEqual([200, https.url('/profile?tab=1')]);
    });

    test('starts again once for anybody else', async () => {
      const browser = createBrowser({ ca: https.ca });
      const page = await (await expiredForm(browser))();
      expect(page.location?.startsWith(https.provider.issuer)).toBe(true);
      const { url, form = {} } = await https.provider.answer(browser, page.location ?? '', 'alice');
      const { code: _, ...rest } = form;
      const fields = {
        ...rest,
        error: 'temporarily_unavailable',
        error_description: 'authentication_expired',
      };
      const second = await browser.post(url, fields, {}, https.provider.issuer);
      expect([second.status, headingOf(second)]).toEqual([400, 'The sign-in page had expired']);
    });
  });
});
