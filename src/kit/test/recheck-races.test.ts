import { expect, test } from 'vitest';
import { refuse } from '../errors/page-errors.ts';
import { recheck } from '../session/by-owner.ts';
import type { Sessions } from '../store/index.ts';
import type { AppWithRoutes } from './helpers/app-with-routes.ts';
import { createHook, mountWho, whoIs } from './helpers/asked.ts';
import { createGate } from './helpers/instances.ts';
import { startPair } from './helpers/pair.ts';

// What falls between two steps of a recheck.

type Step = (...args: never[]) => Promise<unknown>;

/** The sessions of an app, with something done before each command that a recheck sends. */
function interrupted(sessions: Sessions, before: () => Promise<unknown>): Sessions {
  const each = <F extends Step>(run: F) =>
    (async (...args: never[]) => {
      await before();
      return run(...args);
    }) as F;
  const { tokens } = sessions;
  return {
    ...sessions,
    updateUser: each(sessions.updateUser),
    end: each(sessions.end),
    tokens: {
      ...tokens,
      read: each(tokens.read),
      lock: each(tokens.lock),
      replace: each(tokens.replace),
    },
  };
}

test.each([
  ['lets in', () => ({ roles: ['new'] })],
  [
    'refuses',
    () => {
      throw refuse();
    },
  ],
])(
  'where signIn %s, an ending holds wherever it falls into a recheck (R10)',
  async (_what, says) => {
    const hook = createHook();
    let real: Sessions | undefined;
    let at = 0;
    let count = 0;
    let armed = false;
    let askedBefore = false;
    const pair = await startPair({
      parts: { signIn: hook.signIn },
      routes: {
        mount: mountWho,
        wrap: (sessions) => {
          real = sessions;
          return interrupted(sessions, async () => {
            if (!armed || ++count !== at) return;
            askedBefore = hook.asked.at(-1)?.reason === 'recheck';
            await sessions.endOwner(owner(), 'operator');
          });
        },
      },
    });
    const owner = () => ({ iss: pair.provider.issuer, sub: 'alice' });
    const app = pair.app as AppWithRoutes;
    try {
      for (at = 1; ; at++) {
        hook.now(() => undefined);
        const { browser } = await pair.signIn('alice', '/who');
        const id = (await real?.list(owner()))?.[0]?.id ?? '';
        hook.now(says);
        await recheck(owner());
        const ended = app.events('session.ended').length;
        [armed, count] = [true, 0];
        await browser.get(app.url('/who'), { follow: false });
        armed = false;
        if (count < at) {
          // It was asked for once more than there are steps.
          expect(at).toBeGreaterThan(5);
          return;
        }
        expect((await browser.get(app.url('/auth/session'))).status, `step ${at}`).toBe(401);
        expect(await real?.tokens.read(id), `step ${at}`).toBeUndefined();
        expect(await real?.list(owner()), `step ${at}`).toEqual([]);
        // Nobody asks about somebody who is out already.
        expect(hook.asked.at(-1)?.reason === 'recheck', `step ${at}`).toBe(askedBefore);
        // Once, by whoever came first.
        expect(app.events('session.ended').slice(ended), `step ${at}`).toHaveLength(1);
      }
    } finally {
      await pair.stop();
    }
  },
  60_000,
);

test('a recheck that goes on behind an answered request is done before the store closes: its refresh token is kept (R22)', async () => {
  const gate = createGate();
  const happened: string[] = [];
  const pair = await startPair({
    routes: {
      mount: mountWho,
      wrap: (sessions) => ({
        ...sessions,
        tokens: {
          ...sessions.tokens,
          replace: async (id, tokens) => {
            await gate.pass();
            const kept = await sessions.tokens.replace(id, tokens);
            happened.push(kept ? 'refresh token kept' : 'lost');
            return kept;
          },
        },
        close: async () => {
          happened.push('store closed');
          await sessions.close();
        },
      }),
    },
  });
  const { browser } = await pair.signIn('alice', '/who');
  const { arrived } = gate.close();
  await recheck({ iss: pair.provider.issuer, sub: 'alice' });
  const asked = whoIs(browser, pair.app.url('/who'));
  await arrived;
  expect((await asked).roles).toEqual(['admin', 'member']);
  const stopped = pair.stop();
  await new Promise(setImmediate);
  expect(happened).toEqual([]);
  gate.open();
  await stopped;
  expect(happened).toEqual(['refresh token kept', 'store closed']);
}, 60_000);
