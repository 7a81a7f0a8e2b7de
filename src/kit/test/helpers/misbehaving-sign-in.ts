import { expect } from 'vitest';
import type { SignInFailure } from '../../errors/reasons.ts';
import type { AnySite } from '../../site.ts';
import { freePort } from '../../testing/processes.ts';
import { startApp, type TestApp } from './app.ts';
import { type MoreRoutes, startAppWithRoutes } from './app-with-routes.ts';
import { type Browser, createBrowser, type Page } from './browser.ts';
import {
  type MisbehavingProvider,
  type ProviderOptions,
  startMisbehavingProvider,
} from './misbehaving-provider.ts';
import type { Lies } from './misbehaving-replies.ts';

/** One way in which a provider misbehaves during a sign-in, and the reason that the audit event must give. */
export interface Case {
  name: string;
  lies: Lies | ((op: MisbehavingProvider) => Promise<Lies>);
  reason: SignInFailure;
  /** What the log tells the developer. */
  hint?: RegExp;
  op?: Partial<ProviderOptions>;
  env?: Record<string, string>;
  /** The answer does not say which sign-in it belongs to, so none is used up. */
  stays?: boolean;
  /** The code must not be sent to the provider. */
  codeStays?: boolean;
  /** The sign-in fails before the browser is sent to the provider. */
  beforeLeaving?: boolean;
  /** Metadata was taken in that cannot work; only new metadata fixes it. */
  staysBroken?: boolean;
}

export interface Pair {
  op: MisbehavingProvider;
  app: TestApp;
  browser: Browser;
  /** Opens a page, and follows wherever that leads. */
  open(path: string): Promise<Page>;
}

/** A provider and an app of its own for one test, the provider lying at first if asked to; both are gone afterwards. */
export async function withPair<T>(
  {
    op: options,
    env,
    lies,
    routes,
    parts,
  }: Pick<Case, 'op' | 'env'> & { lies?: Case['lies']; routes?: MoreRoutes; parts?: Partial<AnySite> },
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  const port = await freePort();
  const op = await startMisbehavingProvider({ appOrigin: `http://127.0.0.1:${port}`, ...options });
  // Before the app starts, which asks for the metadata at once.
  if (lies) op.next(typeof lies === 'function' ? await lies(op) : lies);
  const settings = {
    OIDC_ISSUER: op.issuer,
    OIDC_CLIENT_ID: op.clientId,
    OIDC_CLIENT_SECRET: op.clientSecret,
    API_URL: `${op.origin}/api`,
    // Time passes in some of these tests, and a recheck would ask this provider too.
    SESSION_RECHECK_MINUTES: '0',
    ...env,
  };
  const starting = routes ? startAppWithRoutes(settings, routes, port) : startApp(settings, port, parts);
  const app = await starting.catch(async (error) => {
    await op.stop();
    throw error;
  });
  try {
    const browser = createBrowser();
    const result = await use({ op, app, browser, open: (path) => browser.get(app.url(path)) });
    expectNothingSecret(app, op.secrets);
    return result;
  } finally {
    await app.stop();
    await op.stop();
  }
}

/** Signs in while the provider misbehaves, and looks at all that must hold afterwards. */
export async function expectRefused({ reason, hint, ...more }: Case): Promise<void> {
  await withPair(more, async ({ op, app, browser, open }) => {
    const page = await open('/profile?tab=1');
    expectPlainFailure(page, app);
    expect(reasons(app)).toEqual([reason]);
    if (hint) expect(app.events('sign_in.failed')[0]?.hint).toMatch(hint);
    expect(JSON.stringify(app.events('sign_in.failed'))).toContain(requestIdOn(page));
    expect(app.events('sign_in.succeeded')).toEqual([]);
    expect(browser.cookie('session')).toBeUndefined();
    expect(op.calls.elsewhere).toBe(0);
    if (more.codeStays) expect(op.calls.token).toBe(0);
    if (more.beforeLeaving) expect(op.calls.authorization).toBe(0);
    if (!more.stays) expect(browser.cookies.filter(({ name }) => /login/.test(name))).toEqual([]);
    for (const secret of op.secrets) expect(page.body).not.toContain(secret);

    // The same answer again gets nowhere either.
    if (!more.beforeLeaving) {
      const calls = op.calls.token;
      expect((await browser.get(page.url)).status).toBeGreaterThanOrEqual(400);
      expect(op.calls.token).toBe(calls);
    }

    op.honest();
    if (!more.staysBroken) await expectHonestSignIn({ op, app, open });
  });
}

/** Nobody is signed in: the page asks at the provider, and an honest answer opens it. */
export async function expectHonestSignIn({
  op,
  app,
  open,
}: Pick<Pair, 'op' | 'app' | 'open'>): Promise<Page> {
  const asked = op.calls.authorization;
  const page = await open('/profile?tab=2');
  expect(page.status, `the honest sign-in: ${JSON.stringify(app.lines.at(-1))}`).toBe(200);
  expect(page.url).toBe(app.url('/profile?tab=2'));
  expect(page.body).toContain('Ada Example');
  expect(op.calls.authorization).toBe(asked + 1);
  return page;
}

/** A page that says what happened, without a word of what is inside or of what the provider said. */
export function expectPlainFailure(page: Page, app: TestApp): void {
  expect(page.url.startsWith(app.origin), page.url).toBe(true);
  expect(page.status, page.body).toBeGreaterThanOrEqual(400);
  expect(page.headers.get('content-type')).toMatch(/^text\/html/);
  expect(page.headers.get('cache-control')).toBe('no-store');
  expect(requestIdOn(page), page.body).not.toBe('');
  const words = page.body.replace(/ content="[\w-]{43}"/g, ''); // Kit-Form's value may spell anything.
  expect(words).not.toMatch(
    /node_modules|\.[jt]s:\d|openid-client|oauth4webapi|\bjose\b|Error\b|[A-Z]+_[A-Z]+_[A-Z]+/,
  );
  expect(page.body).not.toMatch(/provider-says|alert\(1\)|other\.example\.com/);
}

function requestIdOn(page: Page): string {
  return /Request ID: <code>([^<]+)</.exec(page.body)?.[1] ?? '';
}

/** The reasons of all sign-ins that failed so far. */
export function reasons(app: TestApp): (string | undefined)[] {
  return app.events('sign_in.failed').map(({ reason }) => reason);
}

/** No code, token, verifier or client secret in any line of the log (R20). */
function expectNothingSecret(app: TestApp, secrets: readonly string[]): void {
  const log = JSON.stringify(app.lines);
  for (const secret of secrets) expect(log.includes(secret), `${secret} in the log`).toBe(false);
}
