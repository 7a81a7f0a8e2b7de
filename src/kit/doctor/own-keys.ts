import type { JWK } from 'jose';
import type { ProviderConfig } from '../config/index.ts';
import { loadClientKeys } from '../provider/client-keys.ts';
import { encryptionJwk, publicJwk } from '../provider/public-keys.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok } from './finding.ts';

/** The public keys of this app, as a provider takes them (RFC 7517). One line, to be copied. */
export async function keySetToRegister(
  provider: ProviderConfig,
  metadata: Metadata = {},
): Promise<Finding[]> {
  const keys = [...(await signingJwks(provider, metadata)), ...(await decryptionJwks(provider))];
  return keys.length > 0 ? [ok('register as key set', JSON.stringify({ keys }))] : [];
}

/** The public keys that the provider encrypts with. */
export function decryptionJwks({ decryptionKeys }: ProviderConfig) {
  return Promise.all(decryptionKeys.map(encryptionJwk));
}

/** The public keys of those that sign assertions or authorization requests. A certificate in TLS needs none. */
async function signingJwks(provider: ProviderConfig, metadata: Metadata): Promise<JWK[]> {
  const { clientKeys, clientKeyAlg, clientAuth, requestObject } = provider;
  const offered = [
    ...(clientAuth === 'private_key_jwt' ? [metadata.token_endpoint_auth_signing_alg_values_supported] : []),
    ...(requestObject ? [metadata.request_object_signing_alg_values_supported] : []),
  ];
  if (offered.length === 0) return [];
  const keys = loadClientKeys(clientKeys, clientKeyAlg);
  return Promise.all(
    clientKeys.map(async (text, index) => {
      const signing = await Promise.all(offered.map((list) => keys[index]?.(list)));
      const [alg, ...others] = new Set(signing.map((each) => each?.alg));
      // A key that signs by two algorithms must not be registered for one of them.
      return { ...(await publicJwk(text)), use: 'sig', ...(alg && others.length === 0 && { alg }) };
    }),
  );
}
