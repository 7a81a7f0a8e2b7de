import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { requireAuth } from '../guard/require-auth.ts';
import { endSessions, recheck } from '../session/by-owner.ts';
import type { SignInContext } from '../session/sign-in-hook.ts';
import { getUser } from '../session/user-session.ts';
import { headingOf, type Pair, startPair } from './helpers/pair.ts';

/** What `signIn` of the site does in a test, and what it was handed. */
let signIn: (at: SignInContext) => unknown = () => undefined;
const asked: SignInContext[] = [];

describe('signIn in site.ts', () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await startPair({
      parts: {
        signIn: (at: SignInContext) => {
          asked.push(at);
          return signIn(at);
        },
      },
      routes: {
        mount: (app) =>
          app.get('/who', requireAuth(), (req, res) => {
            const { roles, member } = getUser(req) ?? {};
            res.json({ roles, member });
          }),
      },
    });
  });
  afterAll(() => pair.stop());

  test('gives roles and a member, and is asked again where a recheck is due', async () => {
    signIn = ({ roles }) => ({ roles: [...roles, 'editor'], member: { id: 7, plan: 'free' } });
    const { page, browser } = await pair.signIn('alice', '/who');
    expect(JSON.parse(page.body)).toEqual({
      roles: ['admin', 'member', 'editor'],
      member: { id: 7, plan: 'free' },
    });
    signIn = () => ({ roles: [], member: { id: 8 } });
    const before = asked.length;
    expect(JSON.parse((await browser.get(pair.app.url('/who'))).body).member).toEqual({
      id: 7,
      plan: 'free',
    });
    expect(asked.length).toBe(before);
    expect(await recheck({ iss: pair.provider.issuer, sub: 'alice' })).toBe(1);
    const again = await browser.get(pair.app.url('/who'));
    expect(JSON.parse(again.body)).toEqual({ roles: [], member: { id: 8 } });
    expect(asked.at(-1)?.reason).toBe('recheck');
    expect(pair.app.events('claims.changed')).toMatchObject([
      { removed: ['admin', 'member', 'editor'], added: [] },
    ]);
    expect(await endSessions({ iss: pair.provider.issuer, sub: 'alice' })).toBe(1);
    expect((await browser.get(pair.app.url('/who'))).url).toContain('/signed-out');
  });

  test('refuses', async () => {
    signIn = () => {
      throw refuse('Ask your planner for access.');
    };
    const { page } = await pair.signIn('bob', '/who');
    expect([page.status, headingOf(page)]).toEqual([403, "You can't use this app"]);
    expect(page.body).toContain('Ask your planner for access.');
  });

  test('refuses at a recheck', async () => {
    signIn = () => ({});
    const { browser } = await pair.signIn('bob', '/who');
    signIn = () => {
      throw refuse('No longer.');
    };
    await recheck({ iss: pair.provider.issuer, sub: 'bob' });
    const page = await browser.get(pair.app.url('/who'));
    expect([page.status, headingOf(page)]).toEqual([403, "You can't use this app"]);
  });
});
