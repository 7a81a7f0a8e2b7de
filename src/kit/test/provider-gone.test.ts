import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Browser, createBrowser } from './helpers/browser.ts';
import { settingsOf, startTwoLiars, type TwoLiars } from './helpers/confusable-providers.ts';
import { textOf } from './helpers/instances.ts';
import { reasons } from './helpers/misbehaving-sign-in.ts';
import { describeWithRedis, type RedisServer, startRedis } from './helpers/redis-server.ts';

// The app was started with other settings, on the same Redis: a provider is gone from them, or its name stands for
// another one. Who that one's users are, and what these tokens are to it, nobody can say.

describeWithRedis('sessions and sign-ins of a provider', () => {
  let redis: RedisServer;
  let two: TwoLiars;
  const secret = { SESSION_SECRET: 'a secret of thirty-two characters!' };
  beforeAll(async () => {
    redis = await startRedis();
    two = await startTwoLiars({
      env: { REDIS_URL: redis.url, ...secret },
      // They do not name themselves: nothing in an answer says whose it is.
      before({ profiles: { work, social } }) {
        const metadata = { authorization_response_iss_parameter_supported: undefined };
        Object.assign(work, { metadata, answer: {} });
        Object.assign(social, { metadata, answer: {} });
      },
    });
  });
  afterAll(async () => {
    await two?.stop();
    await redis?.stop();
  });
  afterEach(async () => {
    await two.restart({});
    two.reset();
  });

  /** With the names exchanged: each stands for the other provider. */
  const exchanged = () => ({
    ...settingsOf('work', { ...at(two.social), ROLES_CLAIM: 'roles' }),
    ...settingsOf('social', at(two.work)),
  });
  const at = ({ issuer, clientId, clientSecret }: TwoLiars['work']) => ({
    ...{ ISSUER: issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret },
  });
  const withoutWork = () => ({
    OIDC_PROVIDERS: 'social',
    ...settingsOf('work', { ISSUER: undefined, CLIENT_ID: undefined, CLIENT_SECRET: undefined }),
    OIDC_WORK_ROLES_CLAIM: undefined,
  });
  const renamed = () => ({
    OIDC_PROVIDERS: 'office,social',
    ...withoutProvidersOf('work'),
    ...settingsOf('office', { ...at(two.work), ROLES_CLAIM: 'roles' }),
  });
  const withoutProvidersOf = (name: string) =>
    settingsOf(name, {
      ...{ ISSUER: undefined, CLIENT_ID: undefined, CLIENT_SECRET: undefined, ROLES_CLAIM: undefined },
    });
  const oneWithoutName = () => ({
    OIDC_PROVIDERS: undefined,
    ...withoutProvidersOf('work'),
    ...withoutProvidersOf('social'),
    ...{ OIDC_ISSUER: two.work.issuer, OIDC_CLIENT_ID: two.work.clientId },
    OIDC_CLIENT_SECRET: two.work.clientSecret,
  });
  const changes = [
    ['names exchanged', exchanged],
    ['the provider taken out', withoutWork],
    ['the provider renamed', renamed],
    ['one provider without a name', oneWithoutName],
  ] as const;

  /** Nothing but metadata and keys was asked for. */
  function expectNothingSent(): void {
    for (const { received, calls } of [two.work, two.social]) {
      expect(calls).toMatchObject({ token: 0, userinfo: 0, revocation: 0, end_session: 0, par: 0 });
      for (const secret of two.work.secrets) expect(received.join('\n')).not.toContain(secret);
    }
  }

  test.each(changes)(
    'with %s, a session ends with words, and nothing of it is sent anywhere',
    async (_, change) => {
      const people: Browser[] = [];
      for (let count = 0; count < 4; count++) people.push((await two.signIn('work')).browser);
      two.reset();
      await two.restart(change());
      const [page, script, form, left] = people as [Browser, Browser, Browser, Browser];
      const told = await page.get(two.app.url('/profile?tab=1'));
      expect(textOf(told)).toContain('no longer uses the sign-in service you signed in with');
      expect(textOf(told), 'a provider that the session was not of').not.toContain('127.0.0.1');
      expect(told.body).toContain(`/auth/login?returnTo=${encodeURIComponent('/profile?tab=1')}`);
      const headers = { 'Sec-Fetch-Mode': 'cors', 'Sec-Fetch-Dest': 'empty' };
      expect((await script.get(two.app.url('/token'), { headers })).status).toBe(401);
      expect((await form.post(two.app.url('/who'))).status).toBe(401);
      const gone = await left.post(two.app.url('/auth/logout'), {}, { follow: false });
      expect([gone.status, gone.location]).toEqual([303, two.app.url('/signed-out')]);
      expect(two.app.events('session.ended').map(({ reason }) => reason)).toEqual(
        people.map(() => 'provider-changed'),
      );
      expectNothingSent();
    },
  );

  test.each(changes)(
    'with %s, an answer to a sign-in that was begun before is sent nowhere',
    async (_, change) => {
      const browser = createBrowser();
      // The provider does not name itself: nothing in the answer says whose it is.
      two.work.next({ answer: { iss: undefined } });
      const answer = await (await two.begin(browser, 'work')).answer();
      two.reset();
      await two.restart(change());
      const addresses = [answer.pathname, '/auth/callback', '/auth/callback/social', '/auth/callback/office'];
      for (const path of addresses) {
        const page = await browser.get(two.app.url(path + answer.search), {
          headers: { 'Sec-Fetch-Site': 'none' },
        });
        expect([400, 404]).toContain(page.status);
      }
      expect(reasons(two.app)).not.toContain(undefined);
      expect((await two.open(browser, '/anyone')).body).toBe('{"roles":null}');
      expectNothingSent();
    },
  );
});
