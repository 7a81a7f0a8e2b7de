import type { Apis } from '../provider/index.ts';

/** What a sign-in asks of a provider for the site's APIs. */
interface AskedForApis {
  names: string[];
  scope: string;
  resources: string[];
}

/**
 * What APIs need of a sign-in at this provider. Those that are named as a resource are asked for at each: a refresh may
 * ask only for what a sign-in was granted (RFC 8707 §2.2). What else a refresh needs is the settings' to ask for, as
 * some providers turn a sign-in down that asks for the scopes of several APIs (Microsoft Entra).
 *
 * @param api one that the provider has refused a token for: this sign-in asks for its scope too
 */
export function askedForApis(apis: Apis, provider: string, api?: string): AskedForApis {
  const asked = [...apis].filter(
    ([name, { providers, token }]) =>
      token && providers.includes(provider) && (name === api || (token.resource && !token.exchange)),
  );
  const tokens = asked.flatMap(([, { token }]) => (token && !token.exchange ? token : []));
  return {
    names: asked.map(([name]) => name),
    scope: tokens.flatMap(({ scope }) => scope ?? []).join(' '),
    resources: tokens.flatMap(({ resource }) => resource ?? []),
  };
}
