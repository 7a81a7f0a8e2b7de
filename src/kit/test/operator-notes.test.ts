import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { collectEndings } from '../operator/endings.ts';
import { auditOperatorEndings } from '../session/operator-endings.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import { type Shared, secret, sharedRedis, signIn, stores, witness } from './helpers/stored-sessions.ts';

const someone = { iss: 'https://id.example', sub: 'alice' };
const ended = { reason: 'operator', by: 'npm run sessions' };

/** What a command that ended so many sessions leaves. */
function endingsOf(count: number) {
  const endings = collectEndings();
  for (let number = 0; number < count; number++)
    endings.keep('session.ended', { ...someone, session: `session-${number}`, reason: 'operator' });
  return endings;
}

describe.each(stores)('what an operator has ended, with sessions in $store', ({ share }) => {
  let shared: Shared;
  beforeEach(async () => {
    shared = await share();
    return () => shared.stop();
  });

  test('is given out once, however many instances look at once', async () => {
    const [command, ...instances] = await Promise.all(Array.from({ length: 6 }, () => shared.open()));
    if (!command) throw new Error('no store');
    for (let each = 0; each < 10; each++) await endingsOf(2).leaveIn(command);
    const taken = await Promise.all(instances.map(({ operatorNotes }) => operatorNotes.take()));
    expect(taken.flat()).toHaveLength(10);
    expect(taken.flat()[0]?.endings).toMatchObject([someone, someone]);
    expect(await command.operatorNotes.take()).toEqual([]);
  });

  test('outlives a change of the secret, and waits for an instance that can read it', async () => {
    const next = 'another secret of over 32 characters';
    const changed = await shared.open({ secrets: [next, secret] });
    await endingsOf(1).leaveIn(await shared.open());
    expect(await changed.operatorNotes.take()).toHaveLength(1);
    await endingsOf(1).leaveIn(changed);
    const old = await shared.open();
    expect(await old.operatorNotes.take()).toEqual([]);
    expect(await changed.operatorNotes.take()).toHaveLength(1);
  });

  test('is forgotten after a day', async () => {
    const store = await shared.open();
    const leave = () =>
      store.operatorNotes.leave({ at: Date.now() - 86_395_000, sessions: 1, endings: [someone] });
    await leave();
    expect(await store.operatorNotes.take()).toHaveLength(1);
    await leave();
    onTestFinished(() => void vi.useRealTimers());
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 6_000 });
    expect(await store.operatorNotes.take()).toEqual([]);
  });

  test('is bounded: over a hundred sessions are a number, and the list has an end', async () => {
    const store = await shared.open();
    await endingsOf(100).leaveIn(store);
    await endingsOf(101).leaveIn(store);
    const notes = await store.operatorNotes.take();
    expect(notes.map(({ sessions, endings }) => [sessions, endings.length]).sort()).toEqual([
      [100, 100],
      [101, 0],
    ]);
    for (let each = 0; each < 210; each++) await endingsOf(1).leaveIn(store);
    expect(await store.operatorNotes.take()).toHaveLength(200);
  });

  test('is nothing where nothing has ended', async () => {
    const store = await shared.open();
    const endings = collectEndings();
    endings.keep('session.ended', { ...someone, session: 'a', reason: 'expired' });
    await endings.leaveIn(store);
    await endingsOf(0).leaveIn(store);
    expect(await store.operatorNotes.take()).toEqual([]);
  });

  test('is lost without a word where the store fails: the command has printed it', async () => {
    const store = await shared.open();
    await store.close();
    const leave = () => Promise.reject(new Error('away'));
    await endingsOf(1).leaveIn({ operatorNotes: { ...store.operatorNotes, leave } });
  });
});

describeWithRedis('an instance that runs', () => {
  test('audits it with the time it happened, sealed until then, and sends one command where there is nothing', async () => {
    const shared = await sharedRedis();
    const { events, audit } = witness();
    const store = await shared.open();
    await endingsOf(2).leaveIn(store);
    await endingsOf(200).leaveIn(store);
    expect(String(await shared.redis.run('ZRANGE', 'app:operator-notes', '0', '-1'))).not.toMatch(
      /alice|id\./,
    );
    expect(await shared.redis.run('PTTL', 'app:operator-notes')).toBeGreaterThan(86_000_000);

    const stop = auditOperatorEndings(store, audit, { pauseMs: 10, leastMs: 1 });
    await expect.poll(() => events).toHaveLength(3);
    const ended_at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    const about = { event: 'session.ended', ...ended, ended_at };
    expect(events.toSorted((a, b) => String(a.session).localeCompare(String(b.session)))).toEqual([
      { ...about, ...someone, session: 'session-0' },
      { ...about, ...someone, session: 'session-1' },
      { ...about, sessions: 200 },
    ]);

    let looks = 0;
    const { take } = store.operatorNotes;
    store.operatorNotes.take = () => take().finally(() => looks++);
    const commands = await shared.redis.monitor(() =>
      vi.waitFor(() => expect(looks).toBeGreaterThan(2), { timeout: 10_000 }),
    );
    expect(new Set(commands)).toEqual(new Set(['"ZRANGE" "app:operator-notes" "0" "-1"']));
    await stop();
    const before = looks;
    expect(await shared.redis.monitor(() => store.check())).not.toContain('ZRANGE');
    expect(looks).toBe(before);
    await shared.stop();
  });

  test('goes on when the store was away', async () => {
    const { events, audit } = witness();
    let asked = 0;
    const take = async () => {
      asked += 1;
      if (asked < 3) throw new Error('away');
      return asked === 3 ? [{ at: 0, sessions: 1, endings: [someone] }] : [];
    };
    const shared = await sharedRedis();
    const sessions = Object.assign(await shared.open(), { operatorNotes: { take, leave: async () => {} } });
    const stop = auditOperatorEndings(sessions, audit, { pauseMs: 5, leastMs: 1 });
    await expect.poll(() => events).toHaveLength(1);
    await stop();
    await shared.stop();
  });

  test('looks when a probe asks or a session is gone, no more than every 5 seconds, and for no page', async () => {
    const shared = await sharedRedis();
    const { events, audit } = witness();
    const [store, command] = [await shared.open(), await shared.open()];
    const { id } = await signIn(store, someone);
    const stop = auditOperatorEndings(store, audit);
    const read = (session: string) => new Promise((resolve) => store.store.get(session, resolve));
    const looks = (commands: string[]) => commands.filter((line) => line.includes('operator-notes'));
    expect(looks(await shared.redis.monitor(() => read(id)))).toEqual([]);
    await endingsOf(1).leaveIn(command);
    await read('a-session-that-is-gone');
    await expect.poll(() => events).toHaveLength(1);
    const again = () => Promise.all([store.check(), store.check(), read('gone'), read('gone too')]);
    expect(looks(await shared.redis.monitor(again))).toEqual([]);
    await stop();
    const stopAgain = auditOperatorEndings(store, audit);
    await endingsOf(1).leaveIn(command);
    await store.check();
    await expect.poll(() => events).toHaveLength(2);
    await stopAgain();
    await shared.stop();
  });
});
