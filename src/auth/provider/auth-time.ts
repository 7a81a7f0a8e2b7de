import {
  CompactSign,
  compactVerify,
  createLocalJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  type JWK,
} from 'jose';
import { AuthError } from '../errors.ts';
import { namesOf } from './algorithms.ts';

/**
 * When the user last proved who they are, epoch seconds. Providers that do not know write null, 0 (Glewlwyd) or
 * something else that is no time: all of that says nothing.
 */
export function authTimeOf({ auth_time }: Record<string, unknown>): number | undefined {
  return typeof auth_time === 'number' && Number.isFinite(auth_time) && auth_time > 0 ? auth_time : undefined;
}

/** True for an ID token with an auth_time that is no time: openid-client refuses most of these. */
export function hasUnusableAuthTime(jwt: unknown): boolean {
  const parts = typeof jwt === 'string' ? jwt.split('.', 6) : [];
  try {
    const claims = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
    return parts.length === 3 && Object.hasOwn(claims, 'auth_time') && authTimeOf(claims) === undefined;
  } catch {
    return false;
  }
}

/**
 * Takes such an auth_time out of ID tokens. The signature is verified first, and what is left is signed with a key of
 * this process, for the library judges tokens only as a whole: so it judges all else, the signature included (R2).
 */
export class AuthTimeRepair {
  readonly #alg: string;
  #key: ReturnType<typeof makeKey> | undefined;

  constructor(alg: string) {
    this.#alg = alg;
  }

  /**
   * @param keys those that may sign for the issuer
   * @returns the token without its auth_time, and the public key to verify it with
   * @throws AuthError
   */
  async repair(jwt: string, keys: JSONWebKeySet): Promise<{ jwt: string; key: JWK }> {
    const algorithms = [...namesOf(this.#alg)];
    const { payload } = await compactVerify(jwt, createLocalJWKSet(keys), { algorithms }).catch(refuse);
    const { auth_time: _, ...claims } = JSON.parse(Buffer.from(payload).toString());
    this.#key ??= makeKey(this.#alg);
    const { privateKey, key } = await this.#key;
    const signing = new CompactSign(Buffer.from(JSON.stringify(claims)));
    const header = { alg: this.#alg, kid: key.kid };
    return { jwt: await signing.setProtectedHeader(header).sign(privateKey), key };
  }
}

async function makeKey(alg: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const key = { ...(await exportJWK(publicKey)), kid: crypto.randomUUID(), use: 'sig' };
  return { privateKey, key };
}

function refuse(cause: unknown): never {
  if (!(cause instanceof errors.JOSEError)) throw cause;
  const algorithm = cause instanceof errors.JOSEAlgNotAllowed || cause instanceof errors.JOSENotSupported;
  throw new AuthError(algorithm ? 'id_token_algorithm' : 'id_token_signature', {
    cause,
    hint: cause.message,
  });
}
