import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { describe, expect, test, vi } from 'vitest';
import { createTurns } from '../session/recheck-turns.ts';
import { createBrowser } from './helpers/browser.ts';
import { withRecheck } from './helpers/rechecks.ts';

// Many rechecks that are due at once, at a provider that does not answer, and at one that is back (R21, R23).

describe('rechecks of many sessions at once', () => {
  const many = 20;

  test('ask a provider that does not answer once, keep nobody waiting for it, and all ask when it is back', async () => {
    await withRecheck({ profile: { keepsRefreshToken: true } }, async (at) => {
      const { app, op, pass, counts, profile, who } = at;
      const browsers = Array.from({ length: many }, () => createBrowser());
      for (const browser of browsers) await browser.get(app.url('/who'));
      op.nextRefresh({ token: { manner: 'hang-up' } });
      pass(11);
      expect((await who()).roles).toEqual(['admin', 'member']);
      op.nextRefresh({ token: { manner: 'silent' } });
      const before = counts().token;
      const waited = await Promise.all(
        browsers.map(async (browser) => {
          const since = performance.now();
          expect((await browser.get(app.url('/who'))).status).toBe(200);
          return performance.now() - since;
        }),
      );
      expect(counts().token - before).toBe(1);
      // The one that asks waits three seconds.
      expect(waited.filter((ms) => ms < 2_500)).toHaveLength(many - 1);

      profile.idToken.roles = ['member'];
      pass(1.1);
      const pages = await Promise.all(browsers.map((browser) => browser.get(app.url('/who'))));
      expect(pages.map(({ body }) => JSON.parse(body).roles)).toEqual(Array(many).fill(['member']));
    });
  }, 60_000);

  test('still ask signIn, whatever the provider does', async () => {
    await withRecheck({ signIn: () => ({ member: 1 }) }, async ({ app, op, pass, hook, browser }) => {
      const browsers = [browser, createBrowser(), createBrowser(), createBrowser()];
      for (const one of browsers) await one.get(app.url('/who'));
      op.down();
      hook.now(() => ({ member: 2 }));
      pass(11);
      const pages = await Promise.all(browsers.map((one) => one.get(app.url('/who'))));
      expect(pages.map(({ body }) => JSON.parse(body).member)).toEqual([2, 2, 2, 2]);
    });
  });
});

describe('the turns of rechecks', () => {
  /** What asks in turn, and how each ends. */
  function start() {
    const inTurn = createTurns();
    const asking: ((unanswered: boolean) => void)[] = [];
    const ask = () =>
      inTurn(
        () =>
          new Promise<{ unanswered: boolean }>((resolve) => {
            asking.push((unanswered) => resolve({ unanswered }));
          }),
      );
    return { ask, asking };
  }

  test('are for at most two hundred at once, one after the other', async () => {
    const { ask, asking } = start();
    const all = Array.from({ length: 205 }, ask);
    await turnOfLoop();
    expect(asking).toHaveLength(200);
    for (let next = 0; next < 205; next++) {
      asking[next]?.(false);
      await turnOfLoop();
      expect(asking).toHaveLength(Math.min(205, 201 + next));
    }
    expect(await Promise.all(all)).toEqual(Array(205).fill({ unanswered: false }));
  });

  test('that do not come within a second are given up', async () => {
    const { ask, asking } = start();
    const first = Array.from({ length: 200 }, ask);
    await turnOfLoop();
    expect(await ask()).toBeUndefined();
    for (const end of asking) end(false);
    await Promise.all(first);
    const next = ask();
    await turnOfLoop();
    asking[200]?.(false);
    expect(await next).toEqual({ unanswered: false });
  });

  test('leave a provider that says at once that it is away some time in between', async () => {
    const inTurn = createTurns();
    const since = performance.now();
    for (let times = 0; times < 4; times++) await inTurn(async () => ({ unanswered: true }));
    expect(performance.now() - since).toBeGreaterThan(550);
  });

  test('go on at once with the first answer of a provider that was away', async () => {
    const { ask, asking } = start();
    const first = ask();
    await turnOfLoop();
    asking[0]?.(true);
    await first;
    const all = [ask(), ask(), ask()];
    await vi.waitFor(() => expect(asking).toHaveLength(2), { timeout: 10_000 });
    asking[1]?.(false);
    await all[0];
    await turnOfLoop();
    expect(asking).toHaveLength(4);
    for (const end of asking.slice(2)) end(false);
    expect(await Promise.all(all)).toEqual(Array(3).fill({ unanswered: false }));
  });

  test('of work that fails come to an end too', async () => {
    const inTurn = createTurns();
    const fail = () => inTurn(() => Promise.reject(new Error('the store is away')));
    const ends = await Promise.allSettled(Array.from({ length: 450 }, fail));
    expect(ends.every(({ status }) => status === 'rejected')).toBe(true);
  });
});
