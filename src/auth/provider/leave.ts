import { setTimeout } from 'node:timers/promises';
import * as oidc from 'openid-client';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { withoutEmpty } from './parameters.ts';
import { cognitoLogoutUrl } from './quirks.ts';

/** Nobody who signs out waits longer than this for the provider. */
const patienceSeconds = 2;
const freshEnoughMs = 30_000;

/**
 * Revokes a refresh token (RFC 7009), within two seconds. False where the provider offers no way.
 *
 * @throws AuthError
 */
export async function revokeToken(connection: ProviderConnection, refreshToken: string): Promise<boolean> {
  if (!connection.discovered.current?.revocation_endpoint) return false;
  try {
    await connection.call(
      (configuration) => {
        configuration.timeout = patienceSeconds;
        return oidc.tokenRevocation(configuration, refreshToken, { token_type_hint: 'refresh_token' });
      },
      { alone: true },
    );
    return true;
  } catch (error) {
    throw clientCallError(error, connection.settings, 'start');
  }
}

/**
 * Where to end the provider's own session (RP-Initiated Logout 1.0); undefined when it offers no such place or does
 * not answer now, for a person must not be sent to an address that hangs.
 */
export async function endSessionUrl(
  connection: ProviderConnection,
  parameters: { id_token_hint?: string | undefined; state: string; post_logout_redirect_uri: string },
): Promise<URL | undefined> {
  const { discovered, settings } = connection;
  const metadata = discovered.current;
  if (!metadata) return undefined;
  const cognito = cognitoLogoutUrl(metadata, settings.clientId, parameters.post_logout_redirect_uri);
  if ((!cognito && !metadata.end_session_endpoint) || !(await answers(connection))) return undefined;
  if (cognito) return cognito;
  return connection.call(async (configuration) =>
    oidc.buildEndSessionUrl(configuration, withoutEmpty(parameters)),
  );
}

/** It answered a moment ago, or does when asked. */
async function answers({ health, discovered }: ProviderConnection): Promise<boolean> {
  if (health.sinceAnswer < freshEnoughMs) return true;
  const asked = discovered.refresh().then(
    () => true,
    () => false,
  );
  return Promise.race([asked, setTimeout(patienceSeconds * 1000, false, { ref: false })]);
}
