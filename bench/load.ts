import autocannon, { type Client, type Result } from 'autocannon';
import type { Running } from './contestants.ts';
import type { BenchRedis } from './redis.ts';
import type { Pace, Sample } from './rounds.ts';

/** A request that is sent again and again. */
export interface Shot {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers: Record<string, string>;
  /** Of many people, each request by the next of them. */
  readonly cookies?: readonly string[];
  /** How many send at once. */
  readonly connections?: number;
  readonly body?: string;
  /** Any answer that is not right ends the bench; without it, any whose status is no success. */
  readonly verifyBody?: (body: string) => boolean;
}

/** What a request costs under load. */
export async function costOf(running: Running, redis: BenchRedis, pace: Pace, shot: Shot): Promise<Sample> {
  await load(shot, pace.warmUpSeconds);
  const cpuBefore = await running.server.cpuMicros();
  const commandsBefore = await redis.commands();
  const { requests, perSecond, p50, p99 } = await load(shot, pace.seconds);
  const cpuMicros = (await running.server.cpuMicros()) - cpuBefore;
  const commands = (await redis.commands()) - commandsBefore;
  return {
    perSecond,
    ...{ p50, p99 },
    cpuMicros: cpuMicros / requests,
    redisCommands: commands / requests,
  };
}

/** 32 connections where the shot does not say how many, for so many seconds. */
export async function load({ cookies, connections = 32, ...shot }: Shot, seconds: number) {
  const latencies: number[] = [];
  // Each connection has a part of the people.
  let connection = 0;
  const setupClient = (client: Client) => {
    const own = (cookies ?? []).filter((_cookie, n) => n % connections === connection % connections);
    connection += 1;
    client.setRequests(own.map((cookie) => ({ headers: { ...shot.headers, cookie } })));
  };
  const result = await new Promise<Result>((resolve, reject) => {
    const options = {
      ...{ ...shot, connections, duration: seconds, sampleInt: 100 },
      ...(cookies && { setupClient }),
    };
    const run = autocannon(options, (error, done) => (error ? reject(error) : resolve(done)));
    run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  });
  const { errors, timeouts, mismatches, non2xx } = result;
  if (errors + timeouts + mismatches + non2xx > 0) {
    const wrong = JSON.stringify({ errors, timeouts, mismatches, non2xx });
    throw new Error(`wrong answers from ${shot.url}: ${wrong}`);
  }
  const sorted = Float64Array.from(latencies).sort();
  const percentile = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return {
    requests: result.requests.total,
    perSecond: result.requests.total / result.duration,
    p50: percentile(0.5),
    p99: percentile(0.99),
  };
}
