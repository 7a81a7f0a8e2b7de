import { callsOfServers } from './asked.ts';
import { Browser } from './browser.ts';
import type { Running, Surroundings } from './contestants.ts';
import { isPage } from './pages.ts';
import type { Measure } from './rounds.ts';

/** So many people sign in at the same time, each again as soon as the page is there. */
const people = 32;

/** A new browser opens the page and goes to the provider and back; signed in means that the page is printed. */
export async function signIn(running: Running): Promise<Browser> {
  const browser = new Browser(running.origin);
  const { status, body } = await signInAndOpen(browser, running);
  if (status === 200 && isPage(body)) return browser;
  throw new Error(`a sign-in at ${running.title} ended with ${status}:\n${body.slice(0, 500)}`);
}

/** Full sign-ins a second, and what each costs the server and the provider. */
export async function prepareSignIns(running: Running, around: Surroundings): Promise<Measure> {
  return async (duration) => {
    const cpuBefore = await running.server.cpuMicros();
    const callsBefore = await callsOfServers(around);
    const { count, elapsed } = await signInFor(running, duration);
    const cpu = (await running.server.cpuMicros()) - cpuBefore;
    return {
      perSecond: count / elapsed,
      cpuMicros: cpu / count,
      providerCalls: ((await callsOfServers(around)) - callsBefore) / count,
      busy: cpu / 1e6 / elapsed,
    };
  };
}

async function signInFor(running: Running, seconds: number): Promise<{ count: number; elapsed: number }> {
  const start = performance.now();
  let count = 0;
  const person = async () => {
    while (performance.now() - start < seconds * 1000) {
      await signIn(running);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: people }, person));
  return { count, elapsed: (performance.now() - start) / 1000 };
}

async function signInAndOpen(browser: Browser, running: Running) {
  if (!running.signIn) return browser.open(running.page);
  await running.signIn(browser, running.origin);
  return browser.open(running.page);
}
