import { randomBytes } from 'node:crypto';
import type { AnySite } from '../../site.ts';
import { freePort } from '../../testing/processes.ts';
import { startApp, type TestApp } from './app.ts';
import { type AppWithRoutes, type MoreRoutes, startAppWithRoutes } from './app-with-routes.ts';
import { type Browser, createBrowser, type Page, readForm } from './browser.ts';
import {
  clientId,
  clientSecret,
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

/** Two instances of the app behind one address (that of the first), on one Redis, and a provider that knows them. */
export interface Instances {
  provider: IdentityProvider;
  redis: RedisServer;
  one: TestApp;
  two: AppWithRoutes;
  /** What both are started with: an operator's command needs the same. */
  env: Record<string, string>;
  /** Signs in at an instance, the first where none is named, and lands on /profile. */
  signIn(account: string, at?: TestApp, browser?: Browser): Promise<SignedIn>;
  stop(): Promise<void>;
}

export interface SignedIn {
  browser: Browser;
  page: Page;
}

export interface InstancesOptions extends IdentityProviderOptions {
  env?: Record<string, string>;
  /** What the test site of both is to have besides, or instead. */
  parts?: Partial<AnySite>;
  /** Routes that the second instance has and the first has not. */
  routes?: MoreRoutes;
}

export async function startInstances({
  env,
  parts,
  routes,
  ...options
}: InstancesOptions = {}): Promise<Instances> {
  const port = await freePort();
  const baseUrl = `http://127.0.0.1:${port}`;
  const [redis, provider] = await Promise.all([
    startRedis(),
    startIdentityProvider({ redirectOrigin: baseUrl, ...options }),
  ]);
  const settings = {
    BASE_URL: baseUrl,
    REDIS_URL: redis.url,
    SESSION_SECRET: randomBytes(32).toString('hex'),
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    ...env,
  };
  const one = await startApp(settings, port, parts);
  const two = await startAppWithRoutes(settings, { ...(parts && { site: parts }), ...routes });

  return {
    provider,
    redis,
    one,
    two,
    env: settings,
    async signIn(account, at = one, browser = createBrowser()) {
      const sentOff = await browser.get(at.url('/auth/login?returnTo=/profile'), { follow: false });
      const callback = await provider.signIn(browser, sentOff.location ?? '', account);
      return { browser, page: await browser.get(callback) };
    },
    async stop() {
      await Promise.all([one.stop(), two.stop()]);
      await Promise.all([provider.stop(), redis.stop()]);
    },
  };
}

/** A browser with the same cookies as another has now: a copy that somebody took, or a second window. */
export function copyOf(browser: Browser): Browser {
  const copy = createBrowser();
  copy.cookies.push(...browser.cookies.map((cookie) => ({ ...cookie })));
  return copy;
}

/** What `/auth/session` answers this browser: 200 while it is signed in, else 401. */
export async function statusOf(browser: Browser, app: TestApp): Promise<number> {
  return (await browser.get(app.url('/auth/session'), { follow: false })).status;
}

/** The names of all records in Redis that hold something of a signed-in user. */
export async function recordsIn(redis: RedisServer): Promise<string[]> {
  const keys = (await redis.run('KEYS', 'app:*')) as string[];
  return keys.filter((key) => /^app:(session|tokens|owner|lock):/.test(key));
}

/** Something that a test holds up: closed, it keeps whoever comes to `pass` until it is opened. */
export function createGate() {
  let passage: PromiseWithResolvers<void> | undefined;
  let arrival = Promise.withResolvers<void>();
  return {
    /** Resolves when somebody waits at it. */
    close(): { arrived: Promise<void> } {
      passage = Promise.withResolvers();
      arrival = Promise.withResolvers();
      return { arrived: arrival.promise };
    },
    open(): void {
      passage?.resolve();
      passage = undefined;
    },
    async pass(): Promise<void> {
      arrival.resolve();
      await passage?.promise;
    },
  };
}

/** The readable text of a page's main part, without tags and in one line. */
export function textOf({ body }: Page): string {
  const main = /<main[^>]*>([\s\S]*?)<\/main>/.exec(body)?.[1] ?? body;
  return main
    .replace(/<[^>]+>/g, ' ')
    .replaceAll('&#39;', "'")
    .replace(/\s+/g, ' ')
    .trim();
}

/** Presses the n-th button (form) of a page's main part. */
export function pressIn(
  browser: Browser,
  page: Page,
  action: string,
  visit?: Parameters<Browser['get']>[1],
  nth = 0,
) {
  const forms = page.body.match(/<form[^>]*method="post"[^>]*>[\s\S]*?<\/form>/gi) ?? [];
  const form = forms.filter((each) => each.includes(`action="${action}"`))[nth];
  if (!form) throw new Error(`no form for ${action} on ${page.url}`);
  const { action: url, inputs } = readForm({ ...page, body: form });
  return browser.post(url, inputs, visit, page.url);
}
