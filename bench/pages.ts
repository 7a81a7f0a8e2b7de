import { Browser, navigation } from './browser.ts';
import type { Running } from './contestants.ts';
import { prepareLoad } from './load.ts';
import type { BenchRedis } from './redis.ts';
import type { Measure } from './rounds.ts';

/** Signs a person in (where there is somebody to sign in) and answers with the page's address and cookie. */
export async function signedIn(running: Running): Promise<Browser> {
  const browser = new Browser(running.origin);
  if (running.anonymous) return browser;
  await (running.signIn?.(browser, running.origin) ?? browser.open(running.page));
  await checkPage(browser, running);
  return browser;
}

/** Loads the page of a signed-in user and tells what it costs. */
export async function preparePage(running: Running, redis: BenchRedis): Promise<Measure> {
  const browser = await signedIn(running);
  const page = await checkPage(browser, running);
  const headers = { ...navigation, ...(browser.cookie && { cookie: browser.cookie }) };
  const load = prepareLoad(running, redis, { url: running.page, headers, verifyBody: isPage });
  return async (seconds) => ({
    ...(await load(seconds)),
    ...{ cookieBytes: browser.cookie.length, headerBytes: page.headerBytes },
    bodyBytes: Buffer.byteLength(page.body),
  });
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
