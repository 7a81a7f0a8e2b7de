import * as oidc from 'openid-client';
import type { Log } from '../log/index.ts';
import { AssertionFile } from './assertion-file.ts';
import { type ClientKey, loadClientKeys } from './client-keys.ts';
import { wantsTokenEndpointAudience } from './quirks.ts';
import type { ProviderSettings } from './settings.ts';

/** How this client proves who it is, and the key that its request objects are signed with. */
export interface ClientWay {
  auth: oidc.ClientAuth;
  key?: ClientKey | undefined;
}

/** The ways to try, in this order. Two keys are two ways (rotation). */
export function clientAuthentication(settings: ProviderSettings, log: Log): ClientWay[] {
  const keys = loadClientKeys(settings.clientKeys, settings.clientKeyAlg);
  if (settings.clientAuth === 'private_key_jwt') {
    return keys.map((key) => ({ auth: keyJwt(key, settings), key }));
  }
  const auth = withoutKey(settings, log);
  return keys.length > 0 ? keys.map((key) => ({ auth, key })) : [{ auth }];
}

function withoutKey(settings: ProviderSettings, log: Log): oidc.ClientAuth {
  const secret = settings.clientSecret ?? '';
  switch (settings.clientAuth) {
    case 'client_secret_basic':
      return basic(secret);
    case 'client_secret_post':
      return oidc.ClientSecretPost(secret);
    case 'client_secret_jwt':
      return secretJwt(secret, settings);
    case 'workload_identity':
      return platformToken(settings, log);
    default:
      return oidc.TlsClientAuth();
  }
}

/**
 * Whether this client shows its certificate to the provider and to APIs (RFC 8705). If so, it calls the provider at the
 * addresses that the metadata has for that (§5).
 */
export function showsCertificate({
  clientAuth,
  certificateBoundTokens,
}: Pick<ProviderSettings, 'clientAuth' | 'certificateBoundTokens'>): boolean {
  return certificateBoundTokens || clientAuth.endsWith('tls_client_auth');
}

/** Whether this client sends a token about itself instead of a secret (RFC 7523 §2.2). */
export function sendsAssertion({ clientAuth }: ProviderSettings): boolean {
  return /^(private_key_jwt|client_secret_jwt|workload_identity)$/.test(clientAuth);
}

/** Whom its assertions are for; undefined where the platform decides that, and we may not know. */
export function assertionAudience(settings: ProviderSettings): 'issuer' | 'token_endpoint' | undefined {
  if (settings.clientAuth === 'workload_identity') return undefined;
  return wantsTokenEndpointAudience(settings.issuer) ? 'token_endpoint' : settings.clientAssertionAudience;
}

/**
 * Id and secret are encoded as a form's (RFC 6749 §2.3.1 and appendix B): letters, digits and `*-._` stay. The
 * library's own encodes those four as well, and servers that do not decode then see another id than `my-app`.
 */
function basic(secret: string): oidc.ClientAuth {
  return (_server, { client_id }, _body, headers) => {
    const credentials = btoa(`${formEncoded(client_id)}:${formEncoded(secret)}`);
    headers.set('authorization', `Basic ${credentials}`);
  };
}

function formEncoded(value: string): string {
  return new URLSearchParams([['', value]]).toString().slice('='.length);
}

function secretJwt(secret: string, settings: ProviderSettings): oidc.ClientAuth {
  return (server, ...rest) => {
    const modify = describe(server, settings);
    return oidc.ClientSecretJwt(secret, { [oidc.modifyAssertion]: modify })(server, ...rest);
  };
}

function keyJwt(key: ClientKey, settings: ProviderSettings): oidc.ClientAuth {
  return async (server, ...rest) => {
    const { alg, x5t, ...signing } = await key(server.token_endpoint_auth_signing_alg_values_supported);
    const modify = describe(server, settings, { alg, ...(x5t && { 'x5t#S256': x5t }) });
    return oidc.PrivateKeyJwt(signing, { [oidc.modifyAssertion]: modify })(server, ...rest);
  };
}

/**
 * What the settings say about an assertion. Without them its audience is the issuer, and its header has no typ.
 *
 * @param more goes into the header: the algorithm, for the library writes Ed25519 for any such key
 */
function describe(
  server: oidc.ServerMetadata,
  settings: ProviderSettings,
  more: Record<string, string> = {},
) {
  const { clientAssertionTyp: typ } = settings;
  return (header: Record<string, unknown>, payload: Record<string, unknown>) => {
    Object.assign(header, more, typ && { typ });
    if (assertionAudience(settings) === 'token_endpoint') payload.aud = server.token_endpoint;
  };
}

/** The platform's own token (RFC 7523 §2.2). Its subject is the platform's name for this app, so the id goes along. */
function platformToken(
  { clientAssertionFile = '', clockToleranceSeconds }: ProviderSettings,
  log: Log,
): oidc.ClientAuth {
  const file = new AssertionFile(clientAssertionFile, { clockToleranceSeconds, log });
  void file.warn();
  return async (_server, { client_id }, body) => {
    const assertion = await file.read();
    body.set('client_id', client_id);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', assertion);
  };
}
