import type { ClientMetadata } from 'oidc-provider';
import { freePort } from '../../testing/processes.ts';
import { type AppWithRoutes, type MoreRoutes, startAppWithRoutes } from './app-with-routes.ts';
import { type Browser, createBrowser, type Page } from './browser.ts';
import {
  appRegistration,
  clientSecret,
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';

export type Name = 'work' | 'google';

/** What people read on their buttons. */
export const labels = { work: 'Contoso', google: 'Google <Personal>' };

/** What the app is called at each. */
export const clientIds = { work: 'app-at-work', google: 'app-at-google' };

export interface TwoProviders {
  work: IdentityProvider;
  google: IdentityProvider;
  app: AppWithRoutes;
  /** An address of the app, as users see it. */
  url(path: string): string;
  /** What was set: an operator's command needs the same. */
  env: Record<string, string | undefined>;
  /** Starts at the provider's own address, signs in there, and comes back to a page. */
  signIn(name: Name, account: string, how?: { browser?: Browser; path?: string }): Promise<SignedIn>;
  /** Goes on from a page or a redirect that leads to the provider of this name. */
  goOn(browser: Browser, sentOff: Page, name: Name, account: string): Promise<Page>;
  stop(): Promise<void>;
}

export interface SignedIn {
  browser: Browser;
  page: Page;
}

interface Options extends MoreRoutes {
  env?: Record<string, string | undefined>;
  /** Options of the providers, by name. */
  providers?: Partial<Record<Name, IdentityProviderOptions>>;
  /** Laid over the app's registration, by provider. */
  clients?: Partial<Record<Name, Partial<ClientMetadata>>>;
  /** The address that users see, where it is not that of the app itself. */
  baseUrl?: string;
  /** Without a trusted certificate for it. */
  ca?: string;
}

/** Browsers know no ports: two providers on one host would take each other's cookies. */
export const cookieNames = (name: string) => ({
  cookies: {
    names: { session: `${name}-session`, interaction: `${name}-interaction`, resume: `${name}-resume` },
  },
});

/** The app and two real providers that know it: `work`, whose users have roles, and `google`. */
export async function startTwoProviders({
  env = {},
  providers = {},
  clients = {},
  baseUrl,
  ca,
  ...routes
}: Options = {}): Promise<TwoProviders> {
  const port = await freePort();
  const origin = baseUrl ?? `http://127.0.0.1:${port}`;
  const start = async (name: Name) => {
    const { overrides, ...options } = providers[name] ?? {};
    const provider = await startIdentityProvider({
      ...options,
      overrides: { ...cookieNames(name), ...overrides },
    });
    provider.addClient({
      ...appRegistration(origin),
      client_id: clientIds[name],
      redirect_uris: [`${origin}/auth/callback/${name}`],
      ...clients[name],
    });
    return provider;
  };
  const [work, google] = await Promise.all([start('work'), start('google')]);
  const settings = {
    OIDC_PROVIDERS: 'work,google',
    ...{ OIDC_WORK_ISSUER: work.issuer, OIDC_WORK_CLIENT_ID: clientIds.work },
    ...{
      OIDC_WORK_CLIENT_SECRET: clientSecret,
      OIDC_WORK_LABEL: labels.work,
      OIDC_WORK_ROLES_CLAIM: 'roles',
    },
    ...{ OIDC_GOOGLE_ISSUER: google.issuer, OIDC_GOOGLE_CLIENT_ID: clientIds.google },
    ...{ OIDC_GOOGLE_CLIENT_SECRET: clientSecret, OIDC_GOOGLE_LABEL: labels.google },
    ...(baseUrl !== undefined && { BASE_URL: baseUrl }),
    ...env,
  };
  const app = await startAppWithRoutes(settings, routes, port);
  const url = (path: string) => origin + path;
  const named = { work, google };

  async function goOn(browser: Browser, sentOff: Page, name: Name, account: string): Promise<Page> {
    if (!sentOff.location) throw new Error(`not sent on: ${sentOff.status} ${sentOff.url}`);
    const answer = await named[name].answer(browser, sentOff.location, account);
    if (!answer.form) return browser.get(answer.url);
    return browser.post(answer.url, answer.form, {}, named[name].issuer);
  }

  return {
    ...{ work, google, app, url, goOn, env: settings },
    async signIn(name, account, { browser = createBrowser(ca ? { ca } : {}), path = '/profile' } = {}) {
      const start = url(`/auth/login/${name}?returnTo=${encodeURIComponent(path)}`);
      const sentOff = await browser.get(start, { follow: false });
      return { browser, page: await goOn(browser, sentOff, name, account) };
    },
    async stop() {
      await app.stop();
      await Promise.all([work.stop(), google.stop()]);
    },
  };
}

/** The links of a page that lead to a sign-in, as they are on it. */
export function choicesOn({ body }: Page): { href: string; name: string; text: string }[] {
  const links = body.matchAll(
    /<a class="[^"]*" href="([^"]*)" data-provider="([^"]*)"[^>]*>([\s\S]*?)<\/a>/g,
  );
  return [...links].map(([, href = '', name = '', text = '']) => ({
    href: href.replaceAll('&amp;', '&'),
    name,
    text: text.replace(/<[^>]*>/g, '').trim(),
  }));
}
