import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDeadline, Overdue } from '../store/deadline.ts';
import type { Sessions } from '../store/index.ts';
import { describeWithRedis } from './helpers/redis-server.ts';
import {
  alice,
  markSignIn,
  read,
  type Shared,
  save,
  sharedRedis,
  signIn,
} from './helpers/stored-sessions.ts';

describeWithRedis('what a page costs', () => {
  let shared: Required<Shared>;
  let sessions: Sessions;
  beforeAll(async () => {
    shared = await sharedRedis();
    sessions = await shared.open();
  });
  afterAll(() => shared.stop());

  it('is one command: GETEX (R9)', async () => {
    const { id } = await signIn(sessions);
    const commands = await shared.redis.monitor(async () => {
      for (let count = 0; count < 5; count++) await read(sessions, id);
    });
    expect(commands).toEqual(Array(5).fill(`"GETEX" "app:session:{${id}}" "EX" "1800"`));
  });

  it('is one more where a page keeps something, and it writes that alone', async () => {
    const { id, session } = await signIn(sessions);
    // The first time, its script is made known.
    await save(sessions, id, { ...session, note: 'b' });
    const before = (await shared.redis.run('STRLEN', `app:session:{${id}}`)) as number;
    const note = 'a longer note';
    const commands = await shared.redis.monitor(() => save(sessions, id, { ...session, note }));
    expect(commands).toEqual([expect.stringMatching(/^"EVALSHA" /)]);
    expect(commands[0]?.length).toBeLessThan(500);
    const after = (await shared.redis.run('STRLEN', `app:session:{${id}}`)) as number;
    expect(after - before).toBe(note.length - 1);
  });

  it('is no timer of its own: one clock watches over all commands', async () => {
    const { id } = await signIn(sessions);
    const timers = vi.spyOn(AbortSignal, 'timeout');
    await read(sessions, id);
    expect(timers).not.toHaveBeenCalled();
    timers.mockRestore();
  });

  it('is one more for what needs the tokens', async () => {
    const { id } = await signIn(sessions);
    const commands = await shared.redis.monitor(() => sessions.tokens.read(id));
    expect(commands).toEqual([`"GET" "app:tokens:{${id}}"`]);
  });

  it('is none for an id that cannot be ours', async () => {
    expect(await shared.redis.monitor(() => read(sessions, 'x'.repeat(200)))).toEqual([]);
  });

  it('leaves nothing behind when the session has ended, but why', async () => {
    await shared.redis.run('FLUSHALL');
    const { id } = await signIn(sessions);
    await sessions.tokens.lock(id);
    await sessions.end(id, 'provider');
    const keys = (await shared.redis.run('KEYS', '*')) as string[];
    const others = keys.filter((key) => !key.startsWith('app:answer:'));
    expect(others.sort()).toEqual(['app:order', `app:why:{${id}}`]);
  });

  it('keeps the order of endings for a day after the last sign-in or ending, and a look changes nothing', async () => {
    const left = async () => Number(await shared.redis.run('TTL', 'app:order'));
    const nearEnd = () => shared.redis.run('EXPIRE', 'app:order', '1000');
    for (const use of [
      () => markSignIn(sessions),
      () => sessions.endOwner(alice, 'provider'),
      () => sessions.endAll('operator'),
      () => sessions.doubtSignIns(alice),
    ]) {
      await markSignIn(sessions);
      await nearEnd();
      await use();
      expect(await left(), `${use}`).toBeGreaterThan(86_000);
    }
    await nearEnd();
    await sessions.check();
    await sessions.list(alice);
    expect(await left()).toBeLessThanOrEqual(1000);
  });

  it('leaves nothing for ever: every key has an end', async () => {
    const { id } = await signIn(sessions);
    await signIn(sessions);
    await sessions.tokens.lock(id);
    await sessions.end(id, 'provider');
    await sessions.endOwner({ iss: alice.iss, sid: 'another' }, 'provider');
    await sessions.firstUse('a jti', 60);
    const keys = (await shared.redis.run('KEYS', '*')) as string[];
    expect(keys.length).toBeGreaterThan(6);
    for (const key of keys) {
      const seconds = Number(await shared.redis.run('TTL', key));
      expect(seconds, key).toBeGreaterThan(0);
    }
  });
});

describe('the deadline of a command', () => {
  it('is not passed because this process stood still', async () => {
    const within = createDeadline(300);
    const answer = new Promise((resolve) => setTimeout(resolve, 20, 'an answer'));
    const waited = within(answer);
    for (const end = performance.now() + 600; performance.now() < end; );
    expect(await waited).toBe('an answer');
  });

  it('ends what is never answered', async () => {
    const start = performance.now();
    await expect(createDeadline(300)(new Promise(() => {}))).rejects.toThrow(Overdue);
    expect(performance.now() - start).toBeLessThan(1000);
  });
});
