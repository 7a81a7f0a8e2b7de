import * as oidc from 'openid-client';
import { type ClientKey, loadClientKeys } from './client-keys.ts';
import type { ProviderSettings } from './settings.ts';

/** How this client proves who it is, the way to try first in front: two keys are two ways (rotation). */
export function clientAuthentication(settings: ProviderSettings): oidc.ClientAuth[] {
  const secret = settings.clientSecret ?? '';
  switch (settings.clientAuth) {
    case 'client_secret_basic':
      return [basic(secret)];
    case 'client_secret_post':
      return [oidc.ClientSecretPost(secret)];
    case 'client_secret_jwt':
      return [secretJwt(secret, settings)];
    case 'private_key_jwt':
      return loadClientKeys(settings.clientKeys, settings.clientKeyAlg).map((key) => keyJwt(key, settings));
    default:
      return [oidc.TlsClientAuth()];
  }
}

/** Whether this client sends a token about itself instead of a secret (RFC 7523 §2.2). */
export function sendsAssertion({ clientAuth }: ProviderSettings): boolean {
  return clientAuth === 'private_key_jwt' || clientAuth === 'client_secret_jwt';
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
    const { alg, ...signing } = await key(server.token_endpoint_auth_signing_alg_values_supported);
    const modify = describe(server, settings, alg);
    return oidc.PrivateKeyJwt(signing, { [oidc.modifyAssertion]: modify })(server, ...rest);
  };
}

/** What the settings say about an assertion. Without them its audience is the issuer, and its header has no typ. */
function describe(
  server: oidc.ServerMetadata,
  { clientAssertionAudience: audience, clientAssertionTyp: typ }: ProviderSettings,
  alg?: string,
) {
  return (header: Record<string, unknown>, payload: Record<string, unknown>) => {
    // The library writes Ed25519 for any such key.
    if (alg) header.alg = alg;
    if (typ) header.typ = typ;
    if (audience === 'token_endpoint') payload.aud = server.token_endpoint;
  };
}
