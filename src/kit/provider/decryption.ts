import { createPrivateKey, type KeyObject } from 'node:crypto';
import { compactDecrypt, errors, type JWK } from 'jose';
import { said } from './hint-text.ts';
import { publicJwk } from './public-keys.ts';
import { unverifiedHeader } from './unverified.ts';

/** A private key that opens what is encrypted for this client. */
export interface DecryptionKeyText {
  /** PKCS #8. */
  pem: string;
  kid?: string | undefined;
}

// The others are left out on purpose. How RSA1_5 fails tells an attacker what was decrypted; with PBES2 the sender decides
// how much work it is; and the rest needs a secret that the provider has too (RFC 8725 §3.2, §3.11; RFC 7518 §4).
const keyAlgorithms = ['RSA-OAEP-256', 'ECDH-ES'];
const contentAlgorithms = ['A128GCM', 'A256GCM', 'A128CBC-HS256'];

/** Enough for all claims that a sign-in may have: signing and encrypting make them nearly twice as long. */
const longestToken = 256 * 1024;
const longestHeader = 4_000;

const signed = /^[\w-]+\.[\w-]+\.[\w-]*$/;
const encrypted = /^[\w-]+(?:\.[\w-]*){4}$/;

/** A token that is encrypted and cannot be used; `message` is a hint for the developer. */
export class DecryptionError extends Error {
  override name = 'DecryptionError';
}

interface OwnKey {
  key: KeyObject;
  /** The public one. */
  jwk: JWK;
  kid: string;
}

/**
 * Opens what the provider encrypts for this app (RFC 7516). What comes out is a signed token, which is then verified like
 * one that came without encryption.
 */
export class Decryption {
  readonly #texts: readonly DecryptionKeyText[];
  #keys: Promise<OwnKey[]> | undefined;

  constructor(texts: readonly DecryptionKeyText[]) {
    this.#texts = texts;
  }

  /** Whether there is any key. */
  get isSet(): boolean {
    return this.#texts.length > 0;
  }

  /** Whether a key has this id: its thumbprint (RFC 7638), unless its own JWK says another. */
  async has(kid: unknown): Promise<boolean> {
    return (await this.#load()).some((key) => key.kid === kid);
  }

  /**
   * @param what the token is, as the log calls it
   * @returns the signed token inside; a token that is not encrypted, as it came
   * @throws DecryptionError
   */
  async open(token: string, what: string): Promise<string> {
    if (!isEncrypted(token)) return token;
    if (!this.isSet)
      throw new DecryptionError(
        `${what} is encrypted: set OIDC_DECRYPTION_KEY_FILE, or have the provider send it signed and not encrypted`,
      );
    const header = checkedHeader(token, what);
    const fitting = (await this.#load()).filter(({ jwk }) => fits(jwk, header));
    if (fitting.length === 0)
      throw new DecryptionError(
        `${what} is encrypted by ${header.alg}${header.crv ? ` for a ${said(header.crv, 20)} key` : ''}, and no key of OIDC_DECRYPTION_KEY_FILE is of that kind: ${register}`,
      );
    const named = fitting.filter(({ kid }) => kid === header.kid);
    const inner = await decrypted(token, named.length > 0 ? named : fitting, what);
    if (inner === undefined) {
      const whose = named.length > 0 ? 'has the id of a key' : 'names another key';
      const kid = header.kid === undefined ? '' : ` (its kid ${whose})`;
      throw new DecryptionError(`no key of OIDC_DECRYPTION_KEY_FILE opens ${what}${kid}: ${register}`);
    }
    demandSigned(inner, what);
    return inner;
  }

  /**
   * Opens what anybody may send: one at a time in this process. A private key takes milliseconds, and a burst would keep
   * all the threads busy that sign-ins need too (R23).
   */
  openInTurn(token: string, what: string): Promise<string> {
    const opened = lastInTurn.then(() => this.open(token, what));
    lastInTurn = opened.catch(() => {});
    return opened;
  }

  #load(): Promise<OwnKey[]> {
    this.#keys ??= Promise.all(
      this.#texts.map(async (text) => {
        const jwk = await publicJwk(text);
        return { key: createPrivateKey(text.pem), jwk, kid: jwk.kid };
      }),
    );
    return this.#keys;
  }
}

let lastInTurn: Promise<unknown> = Promise.resolve();

const register = 'register the public keys that npm run doctor prints';

/** Five parts in place of a signed token's three (RFC 7516 §9). */
export function isEncrypted(token: string): boolean {
  return token.split('.', 6).length === 5;
}

interface Header {
  alg: string;
  kid: unknown;
  /** The curve of the sender's key (`epk`), which only ECDH-ES has. */
  crv?: string;
}

/**
 * The header, all of it checked before a key is used (R23). Anybody may send a token, with anything in it. So each value
 * must be a string before it is compared: as a list with one string in it, it could pass for that string.
 */
function checkedHeader(token: string, what: string): Header {
  if (token.length > longestToken)
    throw new DecryptionError(`${what} is encrypted and longer than ${longestToken / 1024} KB`);
  if (token.indexOf('.') > longestHeader)
    throw new DecryptionError(
      `${what} is encrypted and has a header of more than ${longestHeader} characters`,
    );
  const header = unverifiedHeader(token);
  const { alg, enc, kid, epk } = header;
  if (!isOneOf(keyAlgorithms, alg) || !isOneOf(contentAlgorithms, enc))
    throw new DecryptionError(
      `${what} is encrypted by ${quoted(alg)} with ${quoted(enc)}: have the provider use RSA-OAEP-256 or ECDH-ES with A128GCM, A256GCM or A128CBC-HS256`,
    );
  if ('zip' in header)
    throw new DecryptionError(`${what} is compressed (zip): have the provider send it uncompressed`);
  // An extension that a recipient does not know makes the token invalid (RFC 7516 §4.1.13).
  if ('crit' in header)
    throw new DecryptionError(
      `${what} demands an extension (crit): have the provider encrypt it without one`,
    );
  if (alg === 'RSA-OAEP-256') return { alg, kid };
  const { crv } = Object(epk);
  if (typeof crv !== 'string')
    throw new DecryptionError(`${what} is encrypted by ECDH-ES and has no key of the sender (epk)`);
  return { alg, kid, crv };
}

function isOneOf(algorithms: readonly string[], given: unknown): given is string {
  return typeof given === 'string' && algorithms.includes(given);
}

function quoted(algorithm: unknown): string {
  return typeof algorithm === 'string' && algorithm !== '' ? said(algorithm, 20) : 'an unnamed algorithm';
}

function fits(own: JWK, { alg, crv }: Header): boolean {
  return alg === 'RSA-OAEP-256' ? own.kty === 'RSA' : own.kty !== 'RSA' && own.crv === crv;
}

async function decrypted(token: string, keys: readonly OwnKey[], what: string): Promise<string | undefined> {
  const algorithms = {
    keyManagementAlgorithms: keyAlgorithms,
    contentEncryptionAlgorithms: contentAlgorithms,
  };
  for (const { key } of keys) {
    try {
      const { plaintext } = await compactDecrypt(token, key, algorithms);
      return Buffer.from(plaintext).toString();
    } catch (error) {
      // About the token's form, so another key would not help.
      if (error instanceof errors.JWEInvalid)
        throw new DecryptionError(`${what} is not encrypted as RFC 7516 says: ${said(error.message, 200)}`);
    }
  }
  return undefined;
}

/** What is inside must be signed, and may be neither plain nor encrypted again. Whose signature it is, is verified later. */
function demandSigned(inner: string, what: string): void {
  if (signed.test(inner)) return;
  throw new DecryptionError(
    encrypted.test(inner)
      ? `${what} is encrypted twice: have the provider sign it, then encrypt it once`
      : `${what} is encrypted but not signed: have the provider sign it too`,
  );
}
