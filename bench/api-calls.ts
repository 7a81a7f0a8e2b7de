import type { Shot } from './connection.ts';
import type { Running } from './contestants.ts';
import { prepareLoad } from './load.ts';
import { signedIn } from './pages.ts';
import type { BenchRedis } from './redis.ts';
import type { Measure } from './rounds.ts';

/** A call of a page's script to the API behind the contestant. */
export interface ApiCall {
  readonly title: string;
  readonly path: string;
  readonly body?: string;
  /** Of the answer. */
  readonly bytes: number;
}

export const apiCalls: readonly ApiCall[] = [
  { title: 'GET of 1 KB', path: '/api/small', bytes: 1024 },
  { title: 'POST of 1 KB', path: '/api/small', bytes: 1024, body: 'n'.repeat(1024) },
  { title: 'GET of 1 MB', path: '/api/large', bytes: 1024 * 1024 },
];

/** Calls the API as a signed-in user's script, and measures what it costs. */
export async function prepareApiCall(running: Running, redis: BenchRedis, call: ApiCall): Promise<Measure> {
  const browser = await signedIn(running);
  const page = await browser.send('GET', running.page);
  const mark = /<meta name="kit-form" content="([^"]+)"/.exec(page.body)?.[1];
  const headers = { ...ofScript, cookie: browser.cookie, ...(mark && { 'kit-form': mark }) };
  const shot: Shot = {
    url: running.origin + call.path,
    method: call.body === undefined ? 'GET' : 'POST',
    headers,
    ...(call.body !== undefined && { body: call.body }),
  };
  await check(shot, call, running);
  return prepareLoad(running, redis, shot);
}

/** What Chromium says when a page's script calls `fetch`. */
const ofScript = {
  accept: '*/*',
  'accept-language': 'en-GB,en;q=0.9',
  'content-type': 'application/json',
  'sec-fetch-dest': 'empty',
  'sec-fetch-mode': 'cors',
  'sec-fetch-site': 'same-origin',
  'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36',
};

async function check({ url, ...shot }: Shot, { bytes, title }: ApiCall, running: Running): Promise<void> {
  const answer = await fetch(url, shot);
  const body = await answer.text();
  if (answer.status === 200 && body.length === bytes) return;
  throw new Error(`${running.title} answered ${answer.status} to a ${title}:\n${body.slice(0, 500)}`);
}
