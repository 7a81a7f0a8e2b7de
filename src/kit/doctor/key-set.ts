import { createPublicKey } from 'node:crypto';
import type { ProviderConfig } from '../config/index.ts';
import { ask, connectionHint, NoAnswer } from './ask.ts';
import type { Metadata } from './discovery.ts';
import { type Finding, failed, ok, said } from './finding.ts';

const check = 'key set';

interface Verified {
  finding: Finding;
  /** The algorithms that some key of the set can verify. */
  algorithms: readonly string[];
}

/** Can what the provider publishes verify an ID token that is signed with the set algorithm? */
export async function checkKeySet(metadata: Metadata, provider: ProviderConfig): Promise<Verified> {
  const { idTokenAlg } = provider;
  const address = URL.parse(String(metadata.jwks_uri ?? ''));
  const nothing = (text: string, hint: string) => ({ finding: failed(check, text, hint), algorithms: [] });
  if (!address) return nothing('the metadata names none.', 'Have the provider publish its keys (jwks_uri).');
  const where = said(address.href);
  const keys = await fetchKeys(address, provider).catch((error: unknown) => {
    if (error instanceof NoAnswer) return error;
    throw error;
  });
  if (keys instanceof NoAnswer) {
    return nothing(
      `${where} does not answer (${keys.code}).`,
      keys.hint ?? connectionHint(keys.code, 'the jwks_uri of the metadata'),
    );
  }
  if (typeof keys === 'string') {
    return nothing(`${where} ${keys}.`, 'Have the provider publish a key set there (RFC 7517).');
  }
  const makeKey = 'Make a signing key at the provider: without one no ID token can be verified.';
  if (keys.length === 0) return nothing(`the one at ${where} is empty.`, makeKey);
  const algorithms = [...new Set(keys.flatMap(algorithmsOf))];
  if (algorithms.includes(idTokenAlg)) {
    return { finding: ok(check, `has a key for ${idTokenAlg}.`), algorithms };
  }
  const text = `the one at ${where} has no usable key for ${idTokenAlg}`;
  const finding =
    algorithms.length === 0
      ? failed(check, `${text}, nor for any other algorithm.`, makeKey)
      : failed(
          check,
          `${text}; its keys are for ${algorithms.join(', ')}.`,
          `Set OIDC_ID_TOKEN_ALG to the one that this app is registered with, or make a key for ${idTokenAlg} at the provider.`,
        );
  return { finding, algorithms };
}

/** The entries of the set, or what is wrong with the answer. @throws NoAnswer */
async function fetchKeys(address: URL, provider: ProviderConfig): Promise<unknown[] | string> {
  const { status, body } = await ask(address, { accept: 'application/json' }, provider);
  if (status !== 200) return `answers with status ${status}`;
  try {
    const keys: unknown = JSON.parse(body)?.keys;
    return Array.isArray(keys) ? keys : 'answers with something other than a key set';
  } catch {
    return 'answers with something other than a key set';
  }
}

const curves: Record<string, string[]> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};
const rsa = ['RS', 'PS'].flatMap((kind) => ['256', '384', '512'].map((size) => kind + size));
const edwards = ['EdDSA', 'Ed25519'];

/** What an entry can verify: none where it is of another kind or for another use, or cannot be read (RFC 7517 §5). */
function algorithmsOf(entry: unknown): readonly string[] {
  if (typeof entry !== 'object' || entry === null) return [];
  const { alg, use, key_ops } = entry as Record<string, unknown>;
  if (use !== undefined && use !== 'sig') return [];
  if (Array.isArray(key_ops) && !key_ops.includes('verify')) return [];
  const able = algorithmsOfKey(entry);
  if (typeof alg !== 'string') return able;
  // Two names of one thing (RFC 9864).
  return able.filter((each) => each === alg || (edwards.includes(each) && edwards.includes(alg)));
}

function algorithmsOfKey(jwk: object): readonly string[] {
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: jwk, format: 'jwk' });
    const { modulusLength = 0, namedCurve = '' } = asymmetricKeyDetails ?? {};
    if (asymmetricKeyType === 'rsa') return modulusLength >= 2048 ? rsa : [];
    if (asymmetricKeyType === 'ed25519') return edwards;
    return (asymmetricKeyType === 'ec' && curves[namedCurve]) || [];
  } catch {
    return [];
  }
}
