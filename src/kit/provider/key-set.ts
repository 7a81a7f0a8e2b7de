import { createPublicKey } from 'node:crypto';
import type { JSONWebKeySet, JWK } from 'jose';
import { namesOf } from './algorithms.ts';

// A key set is read for the keys that we can use; all other entries are ignored (RFC 7517 §5).

/** Looking at a key costs time, so their number is bounded before the first is looked at (R23). */
const mostKeys = 100;
const longestKid = 1_000;
/** RSA with 16384 bits. */
const longestMember = 2_731;
/** A public exponent of 64 bits. A longer one makes each verification as slow as a signature. */
const longestExponent = 11;

const curves: Record<string, string> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
};

/**
 * The keys of a set that may verify signatures of this algorithm, each once. Entries that are damaged, of another
 * kind or for another use are left out, and so is what a key's entry says beyond the key itself.
 *
 * @param body what `jwks_uri` answered
 * @throws Error when that is no key set; its message is our own
 */
export function usableKeys(body: unknown, alg: string): JSONWebKeySet {
  const entries: unknown = (body as { keys?: unknown } | undefined)?.keys;
  if (!Array.isArray(entries)) throw new Error('jwks_uri has no key set');
  if (entries.length > mostKeys) throw new Error(`jwks_uri has more than ${mostKeys} keys`);
  const keys = entries.filter(isJwk);
  if (keys.length === 0 && entries.length > 0) throw new Error('jwks_uri has no key set');
  return { keys: distinct(keys.flatMap((key) => publicKey(key, alg) ?? [])) };
}

type Entry = Record<string, unknown> & { kty: string };

function isJwk(entry: unknown): entry is Entry {
  return typeof (entry as Partial<Entry> | null)?.kty === 'string';
}

/** Undefined: it is not for signatures of this algorithm, or cannot be read. */
function publicKey(entry: Entry, alg: string): JWK | undefined {
  const { kty, kid, issuer } = entry;
  const crv = curves[alg];
  const material =
    crv === undefined
      ? kty === 'RSA' && isText(entry.e, longestExponent) && pick(entry, ['n', 'e'])
      : entry.crv === crv && pick(entry, kty === 'EC' ? ['x', 'y'] : ['x']);
  if (!material || !isFor(entry, alg)) return undefined;
  const key = { kty, ...(crv !== undefined && { crv }), ...material };
  if (!isReadable(key)) return undefined;
  return { ...key, ...(isText(kid, longestKid) && { kid }), ...(typeof issuer === 'string' && { issuer }) };
}

function pick(entry: Entry, names: string[]): Record<string, string> | undefined {
  const members = names.map((name) => [name, entry[name]]);
  return members.every(([, value]) => isText(value, longestMember))
    ? (Object.fromEntries(members) as Record<string, string>)
    : undefined;
}

function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= longest;
}

/** What it says about its own use (RFC 7517 §4.2 to §4.5). */
function isFor({ use, key_ops, alg: own, kid }: Entry, alg: string): boolean {
  return (
    (use == null || use === 'sig') &&
    (key_ops == null || (Array.isArray(key_ops) && key_ops.includes('verify'))) &&
    (own == null || namesOf(alg).includes(String(own))) &&
    (kid == null || isText(kid, longestKid))
  );
}

function isReadable(key: JWK): boolean {
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key: { ...key }, format: 'jwk' });
    const { modulusLength } = asymmetricKeyDetails ?? {};
    return modulusLength === undefined || modulusLength >= 2048; // RFC 7518 §3.3
  } catch {
    return false;
  }
}

/**
 * One key published twice would count as two that match, and the library refuses a token that several keys match. An entry without a
 * name is dropped where the same key has one: a token that names no key fits both.
 */
function distinct(keys: JWK[]): JWK[] {
  const materialOf = ({ kid: _, ...material }: JWK) => JSON.stringify(material);
  const withName = new Set(keys.filter(({ kid }) => kid !== undefined).map(materialOf));
  const seen = new Set<string>();
  return keys.filter((key) => {
    const material = materialOf(key);
    const entry = JSON.stringify([key.kid, material]);
    const twice = seen.has(entry) || (key.kid === undefined && withName.has(material));
    seen.add(entry);
    return !twice;
  });
}
