import { setTimeout } from 'node:timers/promises';
import type { JSONWebKeySet } from 'jose';
import * as oidc from 'openid-client';
import type { ProviderConnection } from './connection.ts';
import { peek } from './id-token-checks.ts';
import { withoutEmpty } from './parameters.ts';
import { cognitoLogoutUrl } from './quirks.ts';

/** Nobody who signs out waits longer than this for the provider. */
const patienceMs = 2_000;
const freshEnoughMs = 30_000;
/** Above 4 KB servers and proxies refuse the address (414, 431), and the person would not be signed out there. */
const longestHint = 4_096;

/**
 * Where to end the provider's own session (RP-Initiated Logout 1.0); undefined when it offers no such place or does
 * not answer now, for a person must not be sent to an address that hangs. Answers within two seconds.
 */
export async function endSessionUrl(
  connection: ProviderConnection,
  parameters: { id_token_hint?: string | undefined; state: string; post_logout_redirect_uri: string },
): Promise<URL | undefined> {
  const { discovered, settings } = connection;
  const metadata = discovered.current;
  if (!metadata) return undefined;
  const cognito = cognitoLogoutUrl(metadata, settings.clientId, parameters.post_logout_redirect_uri);
  if (!cognito && !metadata.end_session_endpoint) return undefined;
  const patience = setTimeout(patienceMs, undefined, { ref: false });
  const keys = await Promise.race([connection.keys.latest().then((set) => ({ set })), patience]);
  if (!keys || !(await answers(connection, patience))) return undefined;
  if (cognito) return cognito;
  const id_token_hint = usableHint(parameters.id_token_hint, keys.set);
  return connection.call(async ({ configuration }) =>
    oidc.buildEndSessionUrl(configuration, withoutEmpty({ ...parameters, id_token_hint })),
  );
}

export function offersSignOut({ discovered, settings }: ProviderConnection): boolean {
  const metadata = discovered.current;
  if (!metadata) return false;
  return Boolean(metadata.end_session_endpoint ?? cognitoLogoutUrl(metadata, settings.clientId, ''));
}

/**
 * The hint, unless it is too long for an address or its key is no longer published: Keycloak answers such a hint with
 * an error, while without one (client_id goes along) it asks the person. A hint that names no key, or a provider whose
 * keys cannot be had, tells us nothing about the key: then the hint goes along, as it is good in most cases.
 */
function usableHint(hint: string | undefined, published: JSONWebKeySet | undefined): string | undefined {
  if (hint === undefined || encodeURIComponent(hint).length > longestHint) return undefined;
  const { kid } = peek(hint);
  if (kid === undefined || !published) return hint;
  return published.keys.some((key) => key?.kid === kid) ? hint : undefined;
}

/** It answered a moment ago, or does when asked. */
async function answers(
  { health, discovered }: ProviderConnection,
  patience: Promise<undefined>,
): Promise<boolean> {
  if (health.sinceAnswer < freshEnoughMs) return true;
  const asked = discovered.refresh().then(
    () => true,
    () => false,
  );
  return (await Promise.race([asked, patience])) ?? false;
}
