const ed25519 = ['EdDSA', 'Ed25519'];

/**
 * The names of one signature algorithm. RFC 9864 gave EdDSA with an Ed25519 key a name of its own, and providers write
 * either, or change from one to the other. Ed448, which RFC 8037 calls EdDSA too, is no part of it: the key set
 * is read for keys of the curve Ed25519 only.
 */
export function namesOf(alg: string): readonly string[] {
  return ed25519.includes(alg) ? ed25519 : [alg];
}
