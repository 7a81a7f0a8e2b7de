import { createKeys, type SigningKeys } from '../../dev/provider.ts';

/** The keys of providers that have stopped, by their algorithms; those of the last one are at the end. */
const unused = new Map<string, SigningKeys[]>();

/** So many stay unused: a provider that is started again has other keys than before, as if it had made new ones. */
const kept = 2;

/**
 * Signing keys for a provider, which no other one has while it runs. Making an RSA key takes longer than most tests, so
 * those of a provider that has stopped are used again, the oldest first.
 */
export async function borrowKeys(algs: readonly string[]) {
  const name = algs.join();
  const waiting = unused.get(name) ?? [];
  unused.set(name, waiting);
  const jwks = (waiting.length > kept && waiting.shift()) || (await createKeys(algs));
  return {
    /** The caller's own copy. */
    jwks: structuredClone(jwks),
    giveBack: () => {
      if (!waiting.includes(jwks)) waiting.push(jwks);
    },
  };
}
