import { describe, expect, test } from 'vitest';
import { textOf } from './helpers/instances.ts';
import type { Lies } from './helpers/misbehaving-replies.ts';
import { expectHonestSignIn, withPair } from './helpers/misbehaving-sign-in.ts';
import { headingOf, requestIdOn } from './helpers/pair.ts';

// Where this app is set up wrongly, here or at the provider, each sign-in fails in the same way. Its page asks nobody to
// try again, and says who can help.

const refusing = (error: string, description?: string, status = 400) => ({
  status,
  json: { error, ...(description && { error_description: description }) },
});
const answering = (error: string, error_description?: string): Lies => ({
  answer: { code: undefined, error, error_description },
});
const title = /^Sign-in with \S+ isn't set up correctly$/;

const ofSetUp: [name: string, lies: Lies][] = [
  ['a wrong secret', { token: refusing('invalid_client', undefined, 401) }],
  ['a client that may not do this', { token: refusing('unauthorized_client') }],
  ['a grant that the provider does not have', { token: refusing('unsupported_grant_type') }],
  ['a 401 that says nothing', { token: { status: 401, body: '' } }],
  ['a client that may not sign users in', answering('unauthorized_client')],
  ['a scope that is not allowed', answering('invalid_scope')],
  ['a resource that the provider does not know', answering('invalid_target')],
  ['a response type that is not allowed', answering('unsupported_response_type')],
  ['a response mode that is not allowed', answering('invalid_request', 'response_mode is not allowed')],
  ['a client that is disabled', answering('access_refused', 'The client is disabled')],
  ['a wrong secret at PAR', { par: refusing('invalid_client', undefined, 401) }],
  [
    'a redirect address that is not registered',
    { par: refusing('invalid_request', "redirect_uri did not match any of the client's registered") },
  ],
  ['the same by its own name', { par: refusing('invalid_redirect_uri') }],
  ['an ID token of another algorithm', { sign: 'ES256' }],
];

describe('a sign-in that only the people who run the site can help', () => {
  test.each(ofSetUp)('%s: the page says so, and a reload too', async (_, lies) => {
    await withPair({ op: { par: 'par' in lies }, lies }, async (pair) => {
      const { app, browser, op, open } = pair;
      const page = await open('/profile?tab=1');
      expect(page.status).toBe(502);
      expect(headingOf(page)).toMatch(title);
      const text = textOf(page);
      expect(text).toContain("You haven't been signed in, and trying again won't help yet.");
      expect(text).toContain('The people who run this site need to fix this.');
      expect(text).not.toMatch(/try to sign in again|Please try/i);
      expect(text).toContain(`Request ID: ${requestIdOn(page)}`);
      // Once it is fixed, they can go on from here.
      expect(page.body).toMatch(/class="button" href="\/">Go to the home page/);
      expect(page.body).toContain('class="button quiet" href="/auth/login?returnTo=%2Fprofile%3Ftab%3D1"');

      const again = await browser.get(app.url('/auth/callback'));
      if (!('par' in lies))
        expect([headingOf(again), requestIdOn(again)]).toEqual([headingOf(page), requestIdOn(page)]);
      op.honest();
      await expectHonestSignIn(pair);
    });
  });
});

const passing: [name: string, lies: Lies][] = [
  ['a code that has expired', { token: refusing('invalid_grant') }],
  ['a provider that fails', answering('server_error')],
  ['a request that it does not understand', answering('invalid_request')],
  ['an error that nobody knows', answering('some_error')],
];

test.each(passing)('%s may pass: the page offers to sign in again first', async (_, lies) => {
  await withPair({ lies }, async ({ open }) => {
    const page = await open('/profile');
    expect(headingOf(page)).not.toMatch(title);
    expect(textOf(page)).toContain('Please try to sign in again.');
    expect(page.body).toContain('class="button" href="/auth/login?returnTo=%2Fprofile"');
  });
});
