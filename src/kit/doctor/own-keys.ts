import { createPrivateKey, createPublicKey } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose';
import type { ProviderConfig } from '../config/index.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, ok } from './finding.ts';
import { listOf } from './metadata-lists.ts';

/** The public keys of this app, as a provider takes them (RFC 7517). One line, to be copied. */
export async function keySetToRegister(
  { clientKeys, clientAuth, clientKeyAlg }: ProviderConfig,
  metadata: Metadata = {},
): Promise<Finding[]> {
  if (clientAuth !== 'private_key_jwt') return [];
  const offered = listOf(metadata.token_endpoint_auth_signing_alg_values_supported);
  const keys = await Promise.all(
    clientKeys.map(async ({ pem, kid, alg }) => {
      const jwk = await exportJWK(createPublicKey(createPrivateKey(pem)));
      return {
        ...jwk,
        // What the app's assertions name: the thumbprint (RFC 7638), unless the key's own JWK has an id.
        kid: kid ?? (await calculateJwkThumbprint(jwk)),
        use: 'sig',
        alg: clientKeyAlg ?? alg ?? usual(jwk, offered),
      };
    }),
  );
  return [ok('register as key set', JSON.stringify({ keys }))];
}

/** What the app signs with where no setting says it: the first that the provider lists. */
function usual({ kty, crv = '' }: JWK, offered: readonly string[]): string {
  const able =
    kty === 'RSA'
      ? ['RS256', 'PS256', 'PS384', 'PS512', 'RS384', 'RS512']
      : kty === 'OKP'
        ? ['EdDSA', 'Ed25519']
        : [{ 'P-384': 'ES384', 'P-521': 'ES512' }[crv] ?? 'ES256'];
  return able.find((alg) => offered.includes(alg)) ?? able[0] ?? '';
}
