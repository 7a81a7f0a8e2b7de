import { createPrivateKey, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { ProviderConfig } from '../config/index.ts';
import { loadClientKeys } from '../provider/client-keys.ts';
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
  return Promise.all(
    decryptionKeys.map(async ({ pem, kid }) => {
      const jwk = await publicJwk(pem);
      const alg = jwk.kty === 'RSA' ? 'RSA-OAEP-256' : 'ECDH-ES';
      // The app finds the key of a token by its thumbprint (RFC 7638), unless the key's own JWK has an id.
      return { ...jwk, kid: kid ?? (await calculateJwkThumbprint(jwk)), use: 'enc', alg };
    }),
  );
}

/** Of the keys that sign assertions or authorization requests. A certificate in TLS needs none of them. */
async function signingJwks(provider: ProviderConfig, metadata: Metadata): Promise<JWK[]> {
  const { clientKeys, clientKeyAlg, clientAuth, requestObject } = provider;
  const offered = [
    ...(clientAuth === 'private_key_jwt' ? [metadata.token_endpoint_auth_signing_alg_values_supported] : []),
    ...(requestObject ? [metadata.request_object_signing_alg_values_supported] : []),
  ];
  if (offered.length === 0) return [];
  const keys = loadClientKeys(clientKeys, clientKeyAlg);
  return Promise.all(
    keys.map(async (key, index) => {
      const signing = await Promise.all(offered.map(key));
      const [{ kid, alg } = { kid: '', alg: '' }] = signing;
      // A key that signs in two ways is for neither of them alone.
      const one = signing.every((each) => each.alg === alg);
      return { ...(await publicJwk(clientKeys[index]?.pem ?? '')), kid, use: 'sig', ...(one && { alg }) };
    }),
  );
}

/** Without a private member, whatever the key. */
function publicJwk(pem: string): Promise<JWK> {
  return exportJWK(createPublicKey(createPrivateKey(pem)));
}
