import { contestants, type Name, type Surroundings, start } from './contestants.ts';
import { measuredOn } from './machine.ts';
import type { Mode } from './mode.ts';
import type { BenchRedis } from './redis.ts';
import { megabytes, round, type Section, table, title } from './results.ts';
import { inOrder, type Sample } from './rounds.ts';
import { signIn } from './sign-ins.ts';

export const memory: Mode = {
  about: 'what the app itself holds after so many sign-ins',
  options: { sessions: '100000' },
  async run({ around, redis, options }) {
    const rows = await inOrder(['app', 'appMemory'] as const, async (name) => {
      return [name, await memoryOfSessions(name, around, redis, Number(options.sessions))] as const;
    });
    return [memorySection(rows)];
  },
};

/**
 * Signs many people in and compares what the app itself holds before and after. With Redis it should be
 * what it was; with the memory store it grows until the store is full.
 */
async function memoryOfSessions(
  name: Name,
  around: Surroundings,
  redis: BenchRedis,
  sessions: number,
): Promise<Sample> {
  await redis.empty();
  const running = await start(name, around);
  const signInMany = async (count: number) => {
    let left = count;
    const person = async () => {
      while (left-- > 0) await signIn(running);
    };
    await Promise.all(Array.from({ length: 32 }, person));
  };

  await signInMany(2_000);
  const before = await running.server.memory();
  const redisBefore = await redis.usedMemory();
  await signInMany(sessions);
  const after = await running.server.memory();
  const redisAfter = await redis.usedMemory();
  await running.server.stop();
  await redis.empty();
  return {
    sessions,
    heapBefore: before.heapUsed,
    heapAfter: after.heapUsed,
    rssBefore: before.rss,
    rssAfter: after.rss,
    redisBytesPerSession: (redisAfter - redisBefore) / sessions,
  };
}

function memorySection(rows: (readonly [Name, Sample])[]): Section {
  const head = ['', 'sessions', 'heap before', 'heap after', 'RSS before', 'RSS after', 'Redis a session'];
  const text = table(
    head,
    rows.map(([name, s]) => [
      title(name),
      round(s.sessions),
      ...[s.heapBefore, s.heapAfter, s.rssBefore, s.rssAfter].map(megabytes),
      contestants[name].redis ? `${round(s.redisBytesPerSession)} B` : '–',
    ]),
  );
  return { title: 'Memory of many sessions', text: `${measuredOn()}\n\n${text}` };
}
