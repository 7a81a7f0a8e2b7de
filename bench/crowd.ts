import autocannon, { type Client, type Result } from 'autocannon';
import type { Shot } from './connection.ts';
import { percentile, sorted } from './latencies.ts';

/** A request that many people send. */
export interface Crowd extends Shot {
  /** Each connection has a part of them, and sends as the next each time. */
  readonly cookies?: readonly string[];
  readonly connections?: number;
}

/** 32 connections where the crowd does not say how many, for so many seconds. */
export async function load({ cookies, connections = 32, ...shot }: Crowd, seconds: number) {
  const latencies: number[] = [];
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
  const took = sorted(latencies);
  return {
    requests: result.requests.total,
    perSecond: result.requests.total / result.duration,
    p50: percentile(took, 0.5),
    p99: percentile(took, 0.99),
  };
}
