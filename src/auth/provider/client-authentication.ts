import * as oidc from 'openid-client';
import { loadClientKeys } from './client-keys.ts';
import type { ProviderSettings } from './settings.ts';

/** How this client proves who it is, the way to try first in front: two keys are two ways (rotation). */
export async function clientAuthentication(settings: ProviderSettings): Promise<oidc.ClientAuth[]> {
  const secret = settings.clientSecret ?? '';
  switch (settings.clientAuth) {
    case 'client_secret_basic':
      return [oidc.ClientSecretBasic(secret)];
    case 'client_secret_post':
      return [oidc.ClientSecretPost(secret)];
    case 'client_secret_jwt':
      return [oidc.ClientSecretJwt(secret)];
    case 'private_key_jwt': {
      const keys = await loadClientKeys(settings.clientKeys, settings.idTokenAlg);
      return keys.map(({ alg, ...key }) =>
        oidc.PrivateKeyJwt(key, {
          // The library writes Ed25519 (RFC 9864), which few providers know yet under that name.
          [oidc.modifyAssertion]: (header) => {
            if (alg === 'EdDSA') header.alg = alg;
          },
        }),
      );
    }
    default:
      return [oidc.TlsClientAuth()];
  }
}
