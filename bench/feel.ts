import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { findWholeChromium } from '../src/kit/test/helpers/programs.ts';
import { publishAspNet } from './aspnet.ts';
import { type Name, type Running, type Surroundings, start } from './contestants.ts';
import { distances, type Felt, feelSection } from './feel-results.ts';
import { type Line, layLine } from './line.ts';
import type { Mode } from './mode.ts';
import { startStub } from './processes.ts';
import type { Sample } from './rounds.ts';

/** From the click on "Sign in" until the page has come, with a provider that is some way off. */
export const feel: Mode = {
  about: 'from the click on "Sign in" to the page in Chromium, with 20 and 100 ms to the provider',
  options: { times: '9' },
  async run({ around, quick, options }) {
    const times = quick ? 3 : Number(options.times);
    let providerPort = 0;
    const line = await layLine(() => providerPort);
    providerPort = Number(new URL(await startStub('provider-stub.ts', { ISSUER: line.url })).port);
    const browser = await launchChromium();
    const felt: Felt[] = [];
    const withoutAsp = publishAspNet();
    const names: Name[] = ['app', 'eoc', ...(withoutAsp ? [] : (['aspCookie'] as const))];
    for (const name of names) {
      const here = { name, browser, line, around: { ...around, issuer: line.url }, times };
      felt.push(...(await firstSignIns(here)), ...(await laterSignIns(here)));
    }
    await browser.close();
    return [feelSection(felt, { times, withoutAsp })];
  },
};

interface Here {
  readonly name: Name;
  readonly browser: Browser;
  readonly line: Line;
  readonly around: Surroundings;
  readonly times: number;
}

/** Of a server that was just started, and that has had time to prepare what it prepares without anybody. */
async function firstSignIns({ name, browser, line, around, times }: Here): Promise<Felt[]> {
  const all: Felt[] = [];
  for (const distance of distances) {
    line.roundTripMs = distance;
    const samples: Sample[] = [];
    for (let time = 0; time < times; time += 1) {
      const running = await start(name, around, { isUp: listens });
      await pause(500 + 2 * distance);
      samples.push(await inNewContext(browser, (person) => signInAfterAWhile(person, running, line)));
      await running.server.stop();
    }
    all.push({ name, occasion: 'first', distance, samples });
  }
  return all;
}

/** Of a server that has all at hand that it needs, and has done it a few times. */
async function laterSignIns({ name, browser, line, around, times }: Here): Promise<Felt[]> {
  const running = await start(name, around, { isUp: listens });
  const felt: Felt[] = [];
  line.roundTripMs = 0;
  for (let time = 0; time < 10; time += 1)
    await inNewContext(browser, (person) => signIn(person, running, line));
  for (const distance of distances) {
    line.roundTripMs = distance;
    const [later, next]: [Sample[], Sample[]] = [[], []];
    for (let time = 0; time < times; time += 1) {
      await inNewContext(browser, async (person) => {
        later.push(await signInAfterAWhile(person, running, line));
        await person.clearCookies();
        next.push(await signIn(person, running, line));
      });
    }
    felt.push({ name, occasion: 'later', distance, samples: later });
    felt.push({ name, occasion: 'next', distance, samples: next });
  }
  await running.server.stop();
  return felt;
}

async function signInAfterAWhile(context: BrowserContext, running: Running, line: Line): Promise<Sample> {
  line.hangUp();
  await pause(50);
  return signIn(context, running, line);
}

/** Whether it is up, without a request: the first one may be what makes it fetch the provider's metadata. */
async function listens(page: string): Promise<void> {
  const socket = connect(Number(new URL(page).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.destroy();
}

async function inNewContext<T>(browser: Browser, use: (context: BrowserContext) => Promise<T>): Promise<T> {
  const context = await browser.newContext();
  try {
    return await use(context);
  } finally {
    await context.close();
  }
}

/** Clicks, and waits for the page. */
async function signIn(
  context: BrowserContext,
  { origin, page: address }: Running,
  line: Line,
): Promise<Sample> {
  const page = await context.newPage();
  await openStartPage(page, origin, address);
  let hops = -1;
  page.on('request', (request) => {
    if (request.isNavigationRequest()) hops += 1;
  });
  line.take();
  await page.click('a');
  await page.waitForFunction(isThere, undefined, { timeout: 20_000 });
  const milliseconds = await page.evaluate(sinceClick);
  const trips = line.take();
  await page.close();
  const of = (who: string) => trips.filter((trip) => trip.who === who);
  const fresh = (who: string) => of(who).filter(({ isFresh }) => isFresh).length;
  return {
    milliseconds,
    redirects: hops,
    ...{ browserRequests: of('browser').length, browserConnections: fresh('browser') },
    ...{ serverRequests: of('server').length, serverConnections: fresh('server') },
  };
}

/** The same for all: a page of the contestant's origin with a link to the page that asks for the sign-in. */
async function openStartPage(page: Page, origin: string, href: string): Promise<void> {
  const address = `${origin}/start-of-the-bench`;
  const body = `<!doctype html><title>Start</title><link rel="icon" href="data:,"><a href="${href}">Sign in</a>
    <script>addEventListener('click', ({ timeStamp }) => {
      sessionStorage.setItem('clicked', performance.timeOrigin + timeStamp);
    });</script>`;
  await page.route(address, (route) => route.fulfill({ contentType: 'text/html', body }));
  await page.goto(address);
  await page.unroute(address);
}

/** In the browser: the signed-in user's page is there. */
function isThere(): boolean {
  const { document } = globalThis as unknown as Window;
  return document.readyState === 'complete' && document.body.textContent.includes('Europe/London');
}

/** In the browser: from the click until the page had come. Its styles and scripts are left out: only this app has them. */
function sinceClick(): number {
  const { performance, sessionStorage } = globalThis as unknown as Window;
  const [navigation] = performance.getEntriesByType('navigation');
  const cameAt = performance.timeOrigin + (navigation?.responseEnd ?? Number.NaN);
  return cameAt - Number(sessionStorage.getItem('clicked'));
}

/** What these two use of a browser's globals; the bench is compiled without the types of the DOM. */
interface Window {
  document: { readyState: string; body: { textContent: string } };
  performance: { timeOrigin: number; getEntriesByType(type: string): { responseEnd: number }[] };
  sessionStorage: { getItem(name: string): string | null };
}

function launchChromium(): Promise<Browser> {
  const executablePath = findWholeChromium();
  if (!executablePath) throw new Error('Chromium is not installed here, or set CHROMIUM to its path');
  return chromium.launch({
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--no-first-run'],
      ...[
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--disable-quic',
      ],
    ],
  });
}
