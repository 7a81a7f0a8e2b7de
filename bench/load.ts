import { Connection, type Shot } from './connection.ts';
import type { Running } from './contestants.ts';
import { percentile, sorted } from './latencies.ts';
import type { BenchRedis } from './redis.ts';
import type { Measure } from './rounds.ts';

const connections = 32;

/** What a request costs under load. */
export function prepareLoad(running: Running, redis: BenchRedis, shot: Shot): Measure {
  const all = Array.from({ length: connections }, () => new Connection(shot));
  return async (seconds) => {
    await Promise.all(all.map((each) => each.open()));
    const cpuBefore = await running.server.cpuMicros();
    const commandsBefore = await redis.commands();
    const { requests, elapsed, p50, p99 } = await loadFor(seconds, all);
    const cpuMicros = (await running.server.cpuMicros()) - cpuBefore;
    const commands = (await redis.commands()) - commandsBefore;
    return {
      perSecond: requests / elapsed,
      ...{ p50, p99 },
      cpuMicros: cpuMicros / requests,
      busy: cpuMicros / 1e6 / elapsed,
      redisCommands: commands / requests,
    };
  };
}

/** Each connection sends its next request when the last is answered; all that was sent is waited for, and counts. */
async function loadFor(seconds: number, all: readonly Connection[]) {
  const start = performance.now();
  const end = start + seconds * 1000;
  const latencies: number[] = [];
  const shoot = async (connection: Connection) => {
    for (let sent = performance.now(); sent < end; ) {
      await connection.ask();
      const answered = performance.now();
      latencies.push(answered - sent);
      sent = answered;
    }
  };
  await Promise.all(all.map(shoot));
  const elapsed = (performance.now() - start) / 1000;
  const took = sorted(latencies);
  return { requests: latencies.length, elapsed, p50: percentile(took, 0.5), p99: percentile(took, 0.99) };
}
