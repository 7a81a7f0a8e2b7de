import autocannon, { type Result } from 'autocannon';
import { Browser, navigation } from './browser.ts';
import type { Running } from './contestants.ts';
import type { BenchRedis } from './redis.ts';
import type { Pace, Sample } from './rounds.ts';

/** Signs a person in (where there is somebody to sign in) and answers with the page's address and cookie. */
export async function signedIn(running: Running): Promise<Browser> {
  const browser = new Browser(running.origin);
  if (running.anonymous) return browser;
  await (running.signIn?.(browser, running.origin) ?? browser.open(running.page));
  await checkPage(browser, running);
  return browser;
}

/** Loads the page of a signed-in user and tells what it costs. */
export async function preparePage(
  running: Running,
  redis: BenchRedis,
  pace: Pace,
): Promise<() => Promise<Sample>> {
  const browser = await signedIn(running);
  const page = await checkPage(browser, running);
  const headers = { ...navigation, ...(browser.cookie && { cookie: browser.cookie }) };
  return async () => {
    await load(running.page, headers, pace.warmUpSeconds);
    const cpuBefore = await running.server.cpuMicros();
    const commandsBefore = await redis.commands();
    const { requests, perSecond, p50, p99 } = await load(running.page, headers, pace.seconds);
    const cpuMicros = (await running.server.cpuMicros()) - cpuBefore;
    const commands = (await redis.commands()) - commandsBefore;
    return {
      perSecond,
      ...{ p50, p99 },
      cpuMicros: cpuMicros / requests,
      redisCommands: commands / requests,
      ...{ cookieBytes: browser.cookie.length, headerBytes: page.headerBytes },
      bodyBytes: Buffer.byteLength(page.body),
    };
  };
}

/** A claim at the table's end stands on the page, so it is the whole page and not an error or a login form. */
export const isPage = (body: string): boolean => body.includes('Europe/London');

async function checkPage(browser: Browser, running: Running) {
  const answer = await browser.send('GET', running.page);
  if (answer.status === 200 && isPage(answer.body)) return answer;
  throw new Error(
    `${running.title} answered ${answer.status} instead of its page:\n${answer.body.slice(0, 500)}`,
  );
}

/** 32 connections for so many seconds. Any answer but the page ends the bench. */
async function load(url: string, headers: Record<string, string>, seconds: number) {
  const latencies: number[] = [];
  const result = await new Promise<Result>((resolve, reject) => {
    const options = { url, headers, connections: 32, duration: seconds, sampleInt: 100, verifyBody: isPage };
    const run = autocannon(options, (error, done) => (error ? reject(error) : resolve(done)));
    run.on('response', (_client, _status, _bytes, milliseconds) => latencies.push(milliseconds));
  });
  const { errors, timeouts, mismatches, non2xx } = result;
  if (errors + timeouts + mismatches + non2xx > 0) {
    throw new Error(`wrong answers from ${url}: ${JSON.stringify({ errors, timeouts, mismatches, non2xx })}`);
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
