import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBrowser } from './helpers/browser.ts';
import { type Instances, startInstances } from './helpers/instances.ts';
import { describeWithRedis } from './helpers/redis-server.ts';

// What a sign-in costs Redis: each command takes a turn to the network, and those behind the provider's last answer make
// the person wait.

describeWithRedis('the Redis commands of a sign-in', () => {
  let all: Instances;
  beforeAll(async () => {
    all = await startInstances();
    // The first one makes the scripts known.
    await all.signIn('alice');
  });
  afterAll(() => all?.stop());

  /** Each as its name and the kind of the first key that it names, in the order in which they went out. */
  async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
    const lines = await all.redis.monitor(work);
    return lines
      .map((line) => `${/^"(\w+)"/.exec(line)?.[1]} ${/"app:([a-z-]+)/.exec(line)?.[1] ?? ''}`)
      .filter((command) => !command.includes('operator-notes'));
  }

  test('are five from the page that asks for it, two of them behind the answer of the provider', async () => {
    const browser = createBrowser();
    let callback = '';
    const before = await commandsOf(async () => {
      const { location = '' } = await browser.get(all.one.url('/profile'), { follow: false });
      callback = await all.provider.signIn(browser, location, 'alice');
    });
    expect(before).toEqual([]);
    let status = 0;
    const commands = await commandsOf(async () => {
      ({ status } = await browser.get(callback, { follow: false }));
      // Nothing of it is left to come when the next page is there.
      await browser.get(all.one.url('/profile'));
    });
    expect(status).toBe(303);
    // Behind the second, the code is exchanged and userinfo is asked.
    const waitedFor = ['EVALSHA limit', 'EVALSHA answer', 'EVALSHA session', 'EVALSHA owner'];
    expect(commands.slice(0, 4)).toEqual(waitedFor);
    // Once the answer has left, one that came a second time may go on (R3). The other is the page's.
    expect(commands.slice(4).sort()).toEqual(['GETEX session', 'SET answer']);
  });

  test('are one more from the link "Sign in", whose address has a rate limit, too', async () => {
    const browser = createBrowser();
    const commands = await commandsOf(async () => {
      const page = await all.signIn('alice', all.one, browser);
      expect(page.page.status).toBe(200);
    });
    expect(commands.filter((command) => command !== 'GETEX session')).toEqual([
      'EVALSHA limit',
      'EVALSHA limit',
      'EVALSHA answer',
      'EVALSHA session',
      'EVALSHA owner',
      'SET answer',
    ]);
  });
});
