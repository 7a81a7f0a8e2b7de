import type { ClientMetadata } from 'oidc-provider';
import type { AnySite } from '../../site.ts';
import { freePort } from '../../testing/processes.ts';
import { atLeast, startApp, type TestApp } from './app.ts';
import { startAppWithRoutes } from './app-with-routes.ts';
import { type Browser, createBrowser, type Page } from './browser.ts';
import {
  clientId,
  clientSecret,
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';

export interface Pair {
  provider: IdentityProvider;
  app: TestApp;
  /** Opens a page as nobody and signs in on the way; returns the page that came of it. */
  signIn(account: string, path?: string, browser?: Browser): Promise<SignedIn>;
  /** Goes on from a page or a redirect that leads to the provider. */
  goOn(browser: Browser, sentOff: Page, account: string): Promise<Page>;
  stop(): Promise<void>;
}

export interface SignedIn {
  browser: Browser;
  page: Page;
}

interface PairOptions extends IdentityProviderOptions {
  env?: Record<string, string | undefined>;
  client?: Partial<ClientMetadata>;
  /** Starts a provider of another make. */
  start?: (options: IdentityProviderOptions) => Promise<IdentityProvider>;
  /** What the test site is to have besides. */
  parts?: Partial<AnySite>;
  /** More routes than the app has of its own. */
  routes?: Parameters<typeof startAppWithRoutes>[1];
}

/** The app and a real provider that knows it. */
export async function startPair({
  env,
  parts,
  routes,
  start = startIdentityProvider,
  ...options
}: PairOptions = {}): Promise<Pair> {
  const port = await freePort();
  const provider = await start({
    redirectOrigin: `http://127.0.0.1:${port}`,
    ...options,
  });
  const settings = {
    OIDC_ISSUER: provider.issuer,
    OIDC_CLIENT_ID: clientId,
    OIDC_CLIENT_SECRET: clientSecret,
    ...env,
  };
  const app = routes
    ? await startAppWithRoutes(settings, { ...(parts && { site: parts }), ...routes }, port)
    : await startApp(settings, port, parts);
  const atApp = (url: string) => url.startsWith(app.origin);

  async function goOn(browser: Browser, sentOff: Page, account: string): Promise<Page> {
    if (!sentOff.location)
      throw new Error(
        `not sent on: ${sentOff.status} ${sentOff.url} ${JSON.stringify(app.lines.filter(atLeast('warn'))).slice(0, 900)}`,
      );
    return browser.get(await provider.signIn(browser, sentOff.location, account));
  }

  return {
    provider,
    app,
    goOn,
    async signIn(account, path = '/profile', browser = createBrowser()) {
      const sentOff = await browser.get(app.url(path), { follow: atApp });
      return { browser, page: await goOn(browser, sentOff, account) };
    },
    async stop() {
      await app.stop();
      await provider.stop();
    },
  };
}

/** The request id that an error page shows. */
export function requestIdOn({ body }: Page): string {
  return /Request ID: <code>([^<]+)</.exec(body)?.[1] ?? '';
}

/** The heading of a page. */
export function headingOf({ body }: Page): string {
  return (
    /<h1[^>]*>([\s\S]*?)<\/h1>/
      .exec(body)?.[1]
      ?.replace(/<[^>]+>/g, '')
      .replaceAll('&#39;', "'") ?? ''
  );
}
