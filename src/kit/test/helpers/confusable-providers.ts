import type { Express } from 'express';
import { freePort } from '../../testing/processes.ts';
import { getAccessToken } from '../../tokens/access-token.ts';
import { type AppWithRoutes, type MoreRoutes, startAppWithRoutes } from './app-with-routes.ts';
import { mountWho, type Who, whoIs } from './asked.ts';
import { type Browser, createBrowser, type Page, type Visit } from './browser.ts';
import {
  appRegistration,
  clientId,
  clientSecret,
  type IdentityProvider,
  type IdentityProviderOptions,
  startIdentityProvider,
} from './identity-provider.ts';
import { type Profile, plain } from './misbehaving-profiles.ts';
import {
  type MisbehavingProvider,
  type ProviderOptions,
  startMisbehavingProvider,
} from './misbehaving-provider.ts';
import { cookieNames } from './two-providers.ts';

// An app with two providers. Their users, sessions and key ids have the same names, and the app has the same client id
// at both: nothing but what the app checks keeps them apart.

type Name = 'work' | 'social';

interface Two<Provider> {
  /** The one whose users are to come to no harm. Its users may have roles. */
  work: Provider;
  /** The other one. */
  social: Provider;
  app: AppWithRoutes;
  /** The app is stopped, and started again with other settings: at the same address, and nothing else is kept. */
  restart(env: Record<string, string | undefined>): Promise<void>;
  /** Stops everything. */
  stop(): Promise<void>;
}

interface Options {
  env?: Record<string, string | undefined> | undefined;
  routes?: MoreRoutes | undefined;
}

/** Two that may lie: in the tests, `social` does. */
export interface TwoLiars extends Two<MisbehavingProvider> {
  /** What each says of its user. It may be changed at any time. */
  profiles: Record<Name, Profile>;
  /** Signs in and says who that is. */
  signIn(name: Name, browser?: Browser): Promise<{ browser: Browser; who: Who }>;
  /** Begins a sign-in, and stays at the page that leads to the provider. */
  begin(browser: Browser, name: Name, path?: string): Promise<Begun>;
  /** Opens a page of the app and follows wherever that leads. */
  open(browser: Browser, path: string, visit?: Visit): Promise<Page>;
  /** No lies, and nothing received so far. */
  reset(): void;
}

interface LiarsOptions extends Options, Partial<Record<Name, Partial<ProviderOptions>>> {
  /** Before the app starts, which asks for the metadata at once. */
  before?: (both: Pick<TwoLiars, 'work' | 'social' | 'profiles'>) => void;
}

/** A sign-in on its way. */
export interface Begun {
  /** What the provider was to be asked. */
  request: URLSearchParams;
  /** The provider's answer, which was not opened. */
  answer(): Promise<URL>;
}

export const settingsOf = (name: string, settings: Record<string, string | undefined>) =>
  Object.fromEntries(
    Object.entries(settings).map(([setting, value]) => [`OIDC_${name.toUpperCase()}_${setting}`, value]),
  ) as Record<string, string>;

export async function startTwoLiars({
  env,
  routes,
  work: workOptions,
  social: socialOptions,
  before,
}: LiarsOptions = {}): Promise<TwoLiars> {
  const port = await freePort();
  const appOrigin = `http://127.0.0.1:${port}`;
  const profiles = { work: profile('Ada at work'), social: profile('Ada elsewhere') };
  const start = (family: Name, options: Partial<ProviderOptions> = {}) =>
    startMisbehavingProvider({
      ...{ appOrigin, family, callbackPath: `/auth/callback/${family}`, profile: profiles[family] },
      clientSecret: `the secret of this app at ${family}`,
      ...options,
    });
  const [work, social] = await Promise.all([start('work', workOptions), start('social', socialOptions)]);
  before?.({ work, social, profiles });
  const between = await startBetween(port, { work, social }, credentials, { env, routes });
  const open: TwoLiars['open'] = (browser, path, visit) => browser.get(between.app.url(path), visit);
  return Object.assign(between, {
    ...{ profiles, open },
    async signIn(name, browser = createBrowser()) {
      return { browser, who: await whoIs(browser, between.app.url(`/auth/login/${name}?returnTo=/who`)) };
    },
    async begin(browser, name, path = '/who') {
      const sent = await open(browser, `/auth/login/${name}?returnTo=${path}`, { follow: false });
      const address = sent.location ?? '';
      return {
        request: new URL(address).searchParams,
        async answer() {
          const { headers } = await fetch(address, { redirect: 'manual' });
          return new URL(headers.get('location') ?? '');
        },
      };
    },
    reset() {
      for (const each of [work, social]) {
        each.honest();
        each.received.length = 0;
        for (const name of Object.keys(each.calls)) each.calls[name as keyof typeof each.calls] = 0;
      }
    },
  } satisfies Omit<TwoLiars, keyof Two<unknown>>);
}

/** Two real ones, that know each other's users by the same names. */
export interface TwoReal extends Two<IdentityProvider> {
  /** Signs in on the way to a page; returns that page. */
  signIn(name: Name, account: string, at?: { browser?: Browser; path?: string }): Promise<Landed>;
}

interface Landed {
  browser: Browser;
  page: Page;
}

export async function startTwoReal({
  env,
  routes,
  ...options
}: Options & IdentityProviderOptions = {}): Promise<TwoReal> {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const start = async (name: Name) => {
    const provider = await startIdentityProvider({
      ...options,
      overrides: { ...options.overrides, ...cookieNames(name) },
    });
    provider.addClient({ ...appRegistration(origin), redirect_uris: [`${origin}/auth/callback/${name}`] });
    return provider;
  };
  const [work, social] = await Promise.all([start('work'), start('social')]);
  const between = await startBetween(port, { work, social }, realCredentials, {
    env,
    routes,
  });
  const providers = { work, social };
  return Object.assign(between, {
    async signIn(name, account, { browser = createBrowser(), path = '/who' } = {}) {
      const sent = await browser.get(between.app.url(`/auth/login/${name}?returnTo=${path}`), {
        follow: false,
      });
      const callback = await providers[name].signIn(browser, sent.location ?? '', account);
      return { browser, page: await browser.get(callback) };
    },
  } satisfies Omit<TwoReal, keyof Two<unknown>>);
}

/** The app, once it knows both; without it, neither stays. */
async function startBetween<Provider extends { stop(): Promise<void> }>(
  port: number,
  { work, social }: Record<Name, Provider>,
  credentialsOf: (provider: Provider) => Record<string, string>,
  { env, routes = {} }: Options,
) {
  const settings = {
    OIDC_PROVIDERS: 'work,social',
    ...settingsOf('work', { ...credentialsOf(work), ROLES_CLAIM: 'roles' }),
    ...settingsOf('social', credentialsOf(social)),
    SESSION_RECHECK_MINUTES: '0',
    ...env,
  };
  const start = async (changes: Options['env'] = {}) => {
    const app = await startAppWithRoutes(
      { ...settings, ...changes },
      { ...routes, mount: mountAll(routes) },
      port,
    );
    await Promise.all(app.providers.all.map((provider) => provider.load().catch(() => {})));
    return app;
  };
  const stopBoth = () => Promise.all([work.stop(), social.stop()]);
  const first = await start().catch(async (error) => {
    await stopBoth();
    throw error;
  });
  const between = {
    ...{ work, social, app: first },
    async restart(changes: Options['env']) {
      await between.app.stop();
      between.app = await start(changes);
    },
    async stop() {
      await between.app.stop();
      await stopBoth();
    },
  };
  return between;
}

function credentials({ issuer, clientId, clientSecret }: MisbehavingProvider) {
  return { ISSUER: issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
}

function realCredentials({ issuer }: IdentityProvider) {
  return { ISSUER: issuer, CLIENT_ID: clientId, CLIENT_SECRET: clientSecret };
}

function profile(name: string): Profile {
  return { ...plain, idToken: { ...plain.idToken, name }, userinfo: { ...plain.userinfo, name } };
}

/** `/token` has the session's tokens refreshed where they are about to end. */
function mountAll({ mount }: MoreRoutes): (app: Express) => void {
  return (app) => {
    mountWho(app);
    app.get(
      '/token',
      async (req, res) => void res.json(await getAccessToken(req).then(() => 'there is one')),
    );
    mount?.(app);
  };
}
