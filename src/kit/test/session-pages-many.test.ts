import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { findAll, findTags, parseHtml, textOf } from '../testing/html.ts';
import type { Browser, Page } from './helpers/browser.ts';
import { markOn } from './helpers/browser.ts';
import { type Instances, pressIn, startInstances, statusOf } from './helpers/instances.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { signIn as signInAs } from './helpers/stored-sessions.ts';

const minute = 60_000;

describeWithRedis('/sessions of somebody with 150 sessions', () => {
  let all: Instances;
  /** Signed in before all others. */
  let own: Browser;
  let owner: { iss: string; sub: string };

  beforeAll(async () => {
    all = await startInstances();
    owner = { iss: all.provider.issuer, sub: 'alice' };
  });
  afterAll(() => all?.stop());
  beforeEach(async () => {
    await all.two.sessions.endAll('replaced');
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 8 * minute });
    own = (await all.signIn('alice')).browser;
    vi.useRealTimers();
    const [mine] = await all.two.sessions.list(owner);
    const user = mine?.data.user;
    if (!user) throw new Error('alice has no session');
    for (let n = 1; n < 150; n++) {
      const signedInAt = user.signedInAt + n * 1000;
      const another = { ...user, sid: `robot ${n}`, signedInAt };
      await signInAs(all.two.sessions, another, user.expiresAt + n * 1000);
    }
  });

  const open = () => own.get(all.one.url('/sessions'));
  const cardsOn = ({ body }: Page) =>
    findAll(parseHtml(body), ({ attributes }) => (attributes.class ?? '').split(' ').includes('card'));
  const handleIn = (card: ReturnType<typeof cardsOn>[number] | undefined) =>
    card && findTags(card, 'input').find(({ attributes }) => attributes.name === 'handle')?.attributes.value;
  const howMany = (commands: readonly string[], name: string) =>
    commands.filter((command) => command.startsWith(`"${name}"`)).length;

  test('shows a hundred, this browser first though all others are newer, and reads no more', async () => {
    let page = await open();
    const commands = await all.redis.monitor(async () => {
      page = await open();
    });
    const cards = cardsOn(page);
    expect(cards).toHaveLength(100);
    expect(textOf(cards[0] as never)).toContain('This browser');
    expect(new Set(cards.slice(1).map(handleIn)).size).toBe(99);
    expect(page.body).toContain('There are up to 50 more sessions, older than these.');
    const counts = ['GETEX', 'GET', 'PTTL', 'ZCOUNT'].map((name) => howMany(commands, name));
    expect(counts).toEqual([1, 100, 100, 1]);
    // Each instance looks for notes of the operator now and then.
    expect(commands.filter((command) => !command.includes('operator-notes'))).toHaveLength(203);
  });

  test('ends one that is on a page left open, though it is no longer among the newest, and reads no other', async () => {
    const page = await open();
    const handle = handleIn(cardsOn(page).at(-1)) as string;
    const form = { ...markOn(page), handle };
    for (let n = 0; n < 30; n++) await signInAs(all.two.sessions, owner, Date.now() + 7.9 * 3_600_000);
    expect((await open()).body).not.toContain(handle);
    const before = (await all.two.sessions.list(owner)).length;
    const commands = await all.redis.monitor(() =>
      own.post(all.one.url('/sessions/end'), form, { follow: false }),
    );
    expect(await all.two.sessions.list(owner)).toHaveLength(before - 1);
    expect(howMany(commands, 'PTTL')).toBe(1);
    expect(await statusOf(own, all.one)).toBe(200);
  });

  test('ends them all, shown or not', async () => {
    const after = await pressIn(own, await open(), '/sessions/end-others');
    expect(after.body).toContain('You signed out 149 other sessions.');
    expect(cardsOn(after)).toHaveLength(1);
    expect(await all.two.sessions.list(owner)).toHaveLength(1);
    expect(await statusOf(own, all.two)).toBe(200);
  });
});
