import type { JWK } from 'jose';

const ed25519 = ['EdDSA', 'Ed25519'];

/**
 * The names of one signature algorithm. RFC 9864 gave EdDSA with an Ed25519 key a name of its own, and providers write
 * either, or change from one to the other. Ed448, which RFC 8037 calls EdDSA too, is no part of it: `nameless` and the
 * verifiers take keys of the curve Ed25519 only.
 */
export function namesOf(alg: string): readonly string[] {
  return ed25519.includes(alg) ? ed25519 : [alg];
}

/** An Ed25519 key without the name that it gives its algorithm, so that it is found for a token with the other one. */
export function nameless(key: JWK): JWK {
  if (key.crv !== 'Ed25519' || !ed25519.includes(key.alg ?? '')) return key;
  const { alg: _, ...rest } = key;
  return rest;
}
