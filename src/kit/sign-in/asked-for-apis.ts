import type { Request } from 'express';
import type { Apis } from '../provider/index.ts';
import { authOf } from '../session/context.ts';
import { signedIn } from '../session/user-session.ts';

/** They are in the cookie of the sign-in, which has little space. */
const mostNames = 8;

/**
 * The APIs that a sign-in is to ask for, by name: the one that it is for, and those that an earlier sign-in of this
 * session has asked for. The new session would have no tokens for these, and two APIs would send their users from one
 * sign-in to the next.
 */
export async function namedApis(req: Request, named: readonly string[] = []): Promise<readonly string[]> {
  const { apis, sessions } = authOf(req).context;
  const own = signedIn(req);
  if (!own || ![...apis.values()].some(({ token }) => token && !token.exchange)) return named;
  // Without the store nobody would be signed in. A sign-in without these is still one.
  const { asked_for = [], apis: kept = {} } =
    (await sessions.tokens.read(own.id).catch(() => undefined)) ?? {};
  const got = asked_for.filter((name) => !apis.get(name)?.token?.resource && !kept[name]?.failed);
  return [...new Set([...named, ...got])].slice(0, mostNames);
}

/** What a sign-in asks of a provider for the site's APIs. */
interface AskedForApis {
  names: string[];
  scope: string;
  resources: string[];
}

/**
 * What APIs need of a sign-in at this provider. Those that are named as a resource are asked for at each: a refresh may
 * ask only for what a sign-in was granted (RFC 8707 §2.2). The scopes of other APIs are left to OIDC_SCOPE, as some
 * providers refuse a sign-in that asks for the scopes of several APIs (Microsoft Entra).
 *
 * @param named those that the provider has refused a token for: this sign-in asks for their scope too
 */
export function askedForApis(apis: Apis, provider: string, named: readonly string[] = []): AskedForApis {
  const asked = [...apis].filter(
    ([name, { url, providers, token }]) =>
      url &&
      token &&
      providers.includes(provider) &&
      (named.includes(name) || (token.resource && !token.exchange)),
  );
  const tokens = asked.flatMap(([, { token }]) => (token && !token.exchange ? token : []));
  return {
    names: asked.map(([name]) => name),
    scope: tokens.flatMap(({ scope }) => scope ?? []).join(' '),
    resources: tokens.flatMap(({ resource }) => resource ?? []),
  };
}
