import type { ClientMetadata } from 'oidc-provider';
import { ConfigError, loadConfig, type ProviderConfig, settings } from '../config/index.ts';
import { variablesOf } from '../config/provider-names.ts';
import type { SettingName } from '../config/settings.ts';
import { encryptionJwk, publicJwk } from '../provider/public-keys.ts';
import type { DevPorts } from './ports.ts';
import { tokenExchange } from './provider-exchange.ts';
import { clientAt, type DevProvider, namesIn } from './providers.ts';
import { appEnvironment } from './settings.ts';

/**
 * What the app reads about one of the providers, from the same environment and files.
 *
 * @returns undefined where the settings are wrong: the app says why, and ends
 */
export function settingsAt(
  { name }: DevProvider,
  env: NodeJS.ProcessEnv,
  ports: DevPorts,
): ProviderConfig | undefined {
  const names = settings.flatMap((setting) => variablesOf(setting.name as SettingName, namesIn(env)));
  const known = new Set(names.flatMap((each) => [each, `${each}_FILE`]));
  // Settings of the site would look misspelt here: this process does not load the site.
  const kits = Object.fromEntries(Object.entries(env).filter(([each]) => known.has(each)));
  try {
    return loadConfig(appEnvironment(kits, ports)).providers.find((provider) => provider.name === name);
  } catch (error) {
    if (error instanceof ConfigError) return undefined;
    throw error;
  }
}

/**
 * The app's registration at a development provider, for what its settings make it do. It differs between the providers
 * in the redirect address (RFC 9700 §4.4) and the credentials.
 *
 * @param app.origin where users see it
 * @param its settings; undefined where they are wrong: then nobody signs in
 */
export async function registration(
  provider: DevProvider,
  app: { name: string; origin: string },
  its: ProviderConfig | undefined,
): Promise<ClientMetadata> {
  const { id, secret } = clientAt(provider);
  return {
    client_id: id,
    client_name: app.name,
    redirect_uris: [`${app.origin}/auth/callback/${provider.name}`],
    post_logout_redirect_uris: [`${app.origin}/signed-out`],
    backchannel_logout_uri: `${app.origin}/auth/backchannel-logout`,
    backchannel_logout_session_required: true,
    frontchannel_logout_uri: `${app.origin}/auth/frontchannel-logout`,
    frontchannel_logout_session_required: true,
    grant_types: ['authorization_code', 'refresh_token', tokenExchange],
    require_auth_time: true,
    ...(its ? await credentials(its) : { client_secret: secret }),
    ...(its && (await signedAndEncrypted(its))),
  };
}

/** How the app authenticates, and all its public keys, as `npm run doctor` prints them for other providers. */
async function credentials(its: ProviderConfig) {
  const { clientAuth, clientSecret, clientKeys, decryptionKeys } = its;
  const keys = await Promise.all([
    ...clientKeys.map(async (key) => ({ ...(await publicJwk(key)), use: 'sig' })),
    ...decryptionKeys.map(encryptionJwk),
  ]);
  return {
    token_endpoint_auth_method: clientAuth,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    ...(keys.length > 0 && { jwks: { keys } }),
  };
}

/** FAPI 2.0 Message Signing, and encryption. */
async function signedAndEncrypted({ requestObject, idTokenAlg, decryptionKeys: [first] }: ProviderConfig) {
  const alg = first && (await encryptionJwk(first)).alg;
  const enc = 'A256GCM';
  return {
    id_token_signed_response_alg: idTokenAlg,
    authorization_signed_response_alg: idTokenAlg,
    ...(requestObject && { require_signed_request_object: true }),
    // Logout tokens are encrypted as ID tokens are. What is encrypted must be signed too.
    ...(alg && {
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: enc,
      userinfo_signed_response_alg: idTokenAlg,
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: enc,
    }),
  };
}
