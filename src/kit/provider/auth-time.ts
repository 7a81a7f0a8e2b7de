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
import { AuthError } from '../errors/auth-error.ts';
import { namesOf } from './algorithms.ts';

/**
 * When the user last proved who they are, epoch seconds. Providers that do not know write null, 0 (Glewlwyd) or
 * something else that is no time: all of that says nothing.
 */
export function authTimeOf({ auth_time }: Record<string, unknown>): number | undefined {
  return typeof auth_time === 'number' && Number.isFinite(auth_time) && auth_time > 0 ? auth_time : undefined;
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
   * True for an ID token with an auth_time that is no time: openid-client refuses most of these. One whose header says
   * what the repair could not judge, such as an extension (`crit`), stays as it came: the library refuses it.
   */
  isNeeded(jwt: string): boolean {
    const parts = jwt.split('.', 6);
    if (parts.length !== 3) return false;
    try {
      const [header, claims] = [parse(parts[0]), parse(parts[1])];
      if (!namesOf(this.#alg).includes(String(header.alg)) || Object.hasOwn(header, 'crit')) return false;
      return Object.hasOwn(claims, 'auth_time') && authTimeOf(claims) === undefined;
    } catch {
      return false;
    }
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

function parse(part: string | undefined): Record<string, unknown> {
  return JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
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
