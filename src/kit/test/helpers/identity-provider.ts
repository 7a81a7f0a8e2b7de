import type { ClientMetadata } from 'oidc-provider';
import { type ProviderOptions, startProvider } from '../../dev/provider.ts';
import { tokenExchange } from '../../dev/provider-exchange.ts';
import { type Browser, type Page, readForm } from './browser.ts';
import { borrowKeys } from './provider-keys.ts';

export type IdentityProvider = Awaited<ReturnType<typeof startIdentityProvider>>;

export const clientId = 'web-app';
/** Holds characters that client_secret_basic must form-encode (RFC 6749 §2.3.1). */
export const clientSecret = 'test secret: with+signs/and=100%';

export interface IdentityProviderOptions extends ProviderOptions {
  /** The app's origin; more can be added later by `registerApp`. */
  redirectOrigin?: string;
  /** Laid over the app's registration. */
  client?: Partial<ClientMetadata>;
}

/** A real provider for tests, with the app registered as a deployer would register it. */
export async function startIdentityProvider({
  redirectOrigin,
  client,
  ...options
}: IdentityProviderOptions = {}) {
  /** Each request the provider got, such as `POST /token`. */
  const requests: string[] = [];
  const { jwks, giveBack } = await borrowKeys(options.algs ?? ['RS256']);
  const provider = await startProvider({
    jwks,
    ...options,
    onRequest(line) {
      requests.push(line);
      options.onRequest?.(line);
    },
  });
  function registerApp(origin: string, changes: Partial<ClientMetadata> = {}) {
    provider.addClient({ ...appRegistration(origin), ...client, ...changes });
  }
  if (redirectOrigin) registerApp(redirectOrigin);

  return {
    ...provider,
    clientId,
    clientSecret,
    requests,
    registerApp,
    /** Signs in from an authorization address; returns the callback address, which is not opened. */
    async signIn(browser: Browser, authorizationUrl: string, account: string): Promise<string> {
      const { url, form } = await answer(provider.issuer, browser, authorizationUrl, account);
      if (form) throw new Error('the provider answers by form_post: use answer()');
      return url;
    },
    /** The same for any response mode: the callback address, and the form with form_post. */
    answer: (browser: Browser, authorizationUrl: string, account: string) =>
      answer(provider.issuer, browser, authorizationUrl, account),
    async stop() {
      await provider.stop();
      giveBack();
    },
  };
}

/** Each address of the app that a provider must know. */
export function appRegistration(origin: string): ClientMetadata {
  return {
    client_id: clientId,
    client_secret: clientSecret,
    client_name: 'Web app',
    redirect_uris: [`${origin}/auth/callback`],
    post_logout_redirect_uris: [`${origin}/signed-out`],
    backchannel_logout_uri: `${origin}/auth/backchannel-logout`,
    backchannel_logout_session_required: true,
    frontchannel_logout_uri: `${origin}/auth/frontchannel-logout`,
    frontchannel_logout_session_required: true,
    ...(origin.startsWith('https:') && { initiate_login_uri: `${origin}/auth/initiate-login` }),
    grant_types: ['authorization_code', 'refresh_token', tokenExchange],
    require_auth_time: true,
  };
}

export async function answer(issuer: string, browser: Browser, authorizationUrl: string, account: string) {
  const atProvider = (url: string) => new URL(url).origin === new URL(issuer).origin;
  const visit = { follow: atProvider };
  let page: Page = await browser.get(authorizationUrl, visit);
  for (let step = 0; step < 8; step++) {
    if (page.location) return { url: page.location, form: undefined };
    if (page.status >= 500 || !page.body.includes('<form')) break;
    const { action, inputs } = readForm(page);
    if (!atProvider(action)) return { url: action, form: inputs };
    page = await browser.submit(page, page.url.includes('/interaction/') ? { account } : {}, visit);
  }
  throw new Error(`the provider stopped at ${page.url} (${page.status}):\n${page.body.slice(0, 2_000)}`);
}
