import express from 'express';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { getUser } from '../session/user-session.ts';
import { startTestApp, type TestApp } from '../testing/index.ts';
import { createTestLog } from '../testing/log.ts';
import { siteFolder } from './helpers/app.ts';
import { type SmallSite, smallSite } from './helpers/small-site.ts';
import { startSmall } from './helpers/test-app.ts';
import { site } from './site/site.ts';

const app = await startTestApp({ site, root: siteFolder });
afterAll(() => app.stop());

/** A route that says who is asking. */
const whoAsks: SmallSite = {
  more: { routes: (router) => void router.get('/me', (req, res) => void res.json(getUser(req))) },
};

interface Me {
  sub: string;
  sid: string;
  roles: string[];
  claims: Record<string, unknown>;
}

const me = async (someone: Pick<TestApp, 'fetch'>) => (await someone.fetch('/me')).json() as Me;

describe('roles', () => {
  test('are given in a word', async () => {
    const alice = await app.signIn('alice', { roles: ['admin'] });
    expect((await alice.get('/admin')).status).toBe(200);
    const bob = await app.signIn('bob', { roles: [] });
    expect((await bob.get('/admin')).status).toBe(403);
  });

  test.each([
    ['groups', { groups: ['a', 'b'] }],
    ['realm_access.roles', { realm_access: { keep: 1, roles: ['a', 'b'] } }],
    ['https://example.com/roles', { 'https://example.com/roles': ['a', 'b'] }],
  ])('are in the claim %s where OIDC_ROLES_CLAIM says so', async (name, claims) => {
    const other = await startSmall(whoAsks, { OIDC_ROLES_CLAIM: name });
    const alice = await other.signIn('alice', {
      claims: { realm_access: { keep: 1 } },
      roles: ['a', 'b'],
    });
    const seen = await me(alice);
    expect(seen.roles).toEqual(['a', 'b']);
    expect(seen.claims).toMatchObject(claims);
    alice.setRoles(['c']);
    await alice.get('/auth/login?renew=1');
    expect((await me(alice)).roles).toEqual(['c']);
  });

  test('are a list of texts, and come by one way', async () => {
    for (const roles of ['admin', [1], [''], null]) {
      await expect(app.signIn('alice', { roles: roles as never })).rejects.toThrow(
        "`roles` is a list of strings, such as { roles: ['admin'] }.",
      );
    }
    await expect(app.signIn('alice', { claims: { roles: ['a'] }, roles: ['b'] })).rejects.toThrow(
      'signIn takes the roles by `roles` or by the claim roles, not by both.',
    );
  });
});

describe('a second browser', () => {
  test('of the same person has a session of its own, of the same account', async () => {
    const other = await startSmall(whoAsks);
    const [one, two] = [await other.signIn('alice'), await other.signIn('alice')];
    const [first, second] = [await me(one), await me(two)];
    expect(second.sub).toBe(first.sub);
    expect(second.sid).not.toBe(first.sid);
    await one.signOut();
    expect((await one.fetch('/me')).status).toBe(401);
    expect((await me(two)).sub).toBe('alice');
  });

  test('knows what the provider says about the account by now', async () => {
    const other = await startSmall(whoAsks);
    const [one, two] = [await other.signIn('alice'), await other.signIn('alice')];
    one.setClaims({ department: 'Lab', name: undefined });
    for (const browser of [one, two]) {
      await browser.get('/auth/login?renew=1');
      const { claims } = await me(browser);
      expect(claims).toMatchObject({ department: 'Lab', sub: 'alice' });
      expect(claims).not.toHaveProperty('name');
    }
  });
});

describe('a session that is ended', () => {
  test('in one browser is over with the page that a person sees then, and in no other', async () => {
    const [one, two] = [await app.signIn('alice'), await app.signIn('alice')];
    await one.endSession();
    const page = await one.get('/profile');
    expect(page.path).toMatch(/^\/signed-out/);
    expect(page.text).toContain('The people who run this site ended your session.');
    expect((await one.fetch('/api/hello')).status).toBe(401);
    expect((await two.fetch('/api/hello')).status).toBe(200);
    expect(await app.logged('session.ended', { sub: 'alice', reason: 'operator' })).toBeDefined();
  });

  test('with all of the account is over everywhere', async () => {
    const [one, two] = [await app.signIn('erin'), await app.signIn('erin', { claims: { sub: 'e-17' } })];
    const bob = await app.signIn('bob');
    expect(await app.endSessions('erin')).toBe(2);
    for (const each of [one, two]) expect((await each.fetch('/api/hello')).status).toBe(401);
    expect((await bob.fetch('/api/hello')).status).toBe(200);
    expect(await app.endSessions('erin')).toBe(0);
    expect(await app.endSessions('nobody')).toBe(0);
  });

  test('cannot end twice, nor where nobody is signed in', async () => {
    const alice = await app.signIn('alice');
    await alice.endSession();
    const none = 'There is no session in this browser, or it has ended already.';
    await expect(alice.endSession()).rejects.toThrow(none);
    await alice.signIn('alice');
    await alice.signOut();
    await expect(alice.endSession()).rejects.toThrow(none);
  });
});

describe('what the log says', () => {
  test('can be waited for', async () => {
    const other = await startSmall({});
    const waiting = other.logged('sign_in.succeeded', { sub: 'bob' });
    await other.signIn('alice');
    await other.signIn('bob');
    expect(await waiting).toMatchObject({ event: 'sign_in.succeeded', sub: 'bob' });
  });

  test('and what it does not say is answered by what it does', async () => {
    const log = createTestLog({ print: false, quiet: true, patienceMs: 50 });
    await expect(log.logged('sign_in')).rejects.toThrow('The events so far: none.');
    for (const sub of ['alice', 'carol']) log.at('info').info({ event: 'sign_out', sub }, 'signed out');
    await expect(log.logged('sign_in')).rejects.toThrow('The events so far: sign_out.');
    await expect(log.logged('sign_out', { sub: 'bob' })).rejects.toThrow(
      /has not logged "sign_out" with {"sub":"bob"} within 0\.05 s\. .*"sub":"alice".*"sub":"carol"/,
    );
    expect((await log.logged('sign_out')).sub).toBe('carol');
  });
});

test('a script sends JSON in a word', async () => {
  const other = await startSmall({
    more: {
      routes: (router) =>
        void router.all('/echo', express.json(), (req, res) => {
          const { 'content-type': type, 'kit-form': mark } = req.headers;
          res.json({ method: req.method, type, body: req.body, marked: mark !== undefined });
        }),
    },
  });
  const alice = await other.signIn('alice');
  await alice.get('/');
  const answer = await alice.fetch('/echo', { json: { text: 'Ü' } });
  expect(answer.json()).toEqual({
    method: 'POST',
    type: 'application/json',
    body: { text: 'Ü' },
    marked: true,
  });
  expect((await alice.fetch('/echo', { method: 'put', json: [] })).json()).toMatchObject({ method: 'PUT' });
  await expect(alice.fetch('/echo', { json: {}, body: '{}' })).rejects.toThrow(
    'takes `json` or `body`, not both',
  );
});

describe('a test app that is used wrongly', () => {
  test.each([
    [
      { SESSION_IDLE_MINUTE: '5' },
      'SESSION_IDLE_MINUTE in `env` is not a setting. Did you mean SESSION_IDLE_MINUTES?',
    ],
    [
      { WHATEVER: 'x' },
      'WHATEVER in `env` is not a setting. Settings of your own are named in `settings` of site.ts.',
    ],
    [
      { SESSION_IDLE_MINUTES: 5 as never },
      "SESSION_IDLE_MINUTES in `env` must be a string, as in .env: '5'.",
    ],
  ])('says which setting is none: %j', async (env, says) => {
    await expect(startTestApp({ ...smallSite({}), env })).rejects.toThrow(says);
  });

  test('says so also where a setting is missing for it', async () => {
    const settings = { API_KEY: { meaning: 'opens the API', schema: z.string() } };
    const started = startTestApp({ ...smallSite({ more: { settings } }), env: { API_KEI: 'x' } });
    await expect(started).rejects.toThrow(
      /API_KEY is missing.*\nAPI_KEI in `env` .* mean API_KEY\?\nA test sets/s,
    );
  });

  test('says that it has been stopped', async () => {
    const other = await startSmall({});
    const alice = await other.signIn('alice');
    await other.stop();
    const stopped = 'This test app has been stopped, so nothing answers any more.';
    const uses = [
      () => alice.get('/'),
      () => other.signIn('bob'),
      () => other.endSessions('alice'),
      () => alice.endSession(),
      () => other.provider.goAway(),
      () => other.provider.comeBack(),
    ];
    for (const use of uses) await expect(use()).rejects.toThrow(stopped);
  });
});
