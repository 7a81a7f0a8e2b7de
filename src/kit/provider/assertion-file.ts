import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose';
import { AuthError } from '../errors/auth-error.ts';
import type { Log } from '../log/index.ts';

/** A platform's tokens have one or two KiB. */
const maxBytes = 16 * 1024;

/** A token about this app that its platform has issued, and what it says. Nobody has verified it here. */
export interface PlatformToken {
  jwt: string;
  claims: JWTPayload;
}

/**
 * The file in which the platform keeps its token. It is read anew at each use, because the platform replaces it while
 * the app runs: a fault ends by itself as soon as a good token is there.
 */
export class AssertionFile {
  readonly #path: string;
  readonly #clockToleranceSeconds: number;
  readonly #log: Log;

  constructor(path: string, { clockToleranceSeconds, log }: { clockToleranceSeconds: number; log: Log }) {
    this.#path = path;
    this.#clockToleranceSeconds = clockToleranceSeconds;
    this.#log = log;
  }

  /** @throws AuthError when there is no token to send: nobody is signed out for it (R13) */
  async read(): Promise<string> {
    try {
      return (await readPlatformToken(this.#path, this.#clockToleranceSeconds)).jwt;
    } catch (error) {
      const { hint } = error as AuthError;
      this.#log.error({ hint }, 'the client assertion file cannot be used');
      throw error;
    }
  }

  /** Says at the start what would go wrong. The platform may put the token there later, so nothing stops. */
  async warn(): Promise<void> {
    try {
      await readPlatformToken(this.#path, this.#clockToleranceSeconds);
    } catch (error) {
      const { hint } = error as AuthError;
      this.#log.warn({ hint }, 'the client assertion file cannot be used yet; it is read again at each use');
    }
  }
}

/** @throws AuthError with what to do; never with a part of the token (R20) */
export async function readPlatformToken(path: string, clockToleranceSeconds: number): Promise<PlatformToken> {
  const text = (await readSmallFile(path)).trim();
  if (text === '') throw fault(`${path} is empty: have the platform put its token there`);
  if (/[\r\n]/.test(text)) throw fault(`${path} has more than one line: it must contain the token alone`);
  const claims = claimsOf(text);
  if (!claims) throw fault(`${path} contains no JWT: name the file with the token that the platform issues`);
  const { exp } = claims;
  if (typeof exp === 'number' && exp + clockToleranceSeconds <= Date.now() / 1000) {
    throw fault(
      `the token in ${path} expired ${ageOf(exp)} ago: check that the platform renews it, and the clock of this machine`,
    );
  }
  return { jwt: text, claims };
}

/** Also refuses an unsigned one: its last part is empty. */
function claimsOf(text: string): JWTPayload | undefined {
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(text)) return undefined;
  try {
    decodeProtectedHeader(text);
    return decodeJwt(text);
  } catch {
    return undefined;
  }
}

function ageOf(exp: number): string {
  const seconds = Math.round(Date.now() / 1000 - exp);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/**
 * A regular file, or a link to one: Kubernetes puts its tokens behind two links, and swaps one of them. Whatever else a
 * path may lead to is looked at before it is read, and opened without waiting: nobody may ever write into a FIFO.
 */
async function readSmallFile(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0));
    const stat = await file.stat();
    if (stat.isDirectory()) throw fault(`${path} is a folder: name the file in it`);
    if (!stat.isFile()) throw fault(`${path} is no regular file: name the file that the platform writes`);
    const buffer = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length > maxBytes) break;
    }
    if (length > maxBytes) throw fault(`${path} is larger than ${maxBytes / 1024} KiB, which no token is`);
    return buffer.toString('utf8', 0, length);
  } catch (error) {
    throw error instanceof AuthError ? error : fault(unreadable(path, error as NodeJS.ErrnoException));
  } finally {
    await file?.close();
  }
}

function unreadable(path: string, { code = 'unknown error' }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return `${path} is not there: have the platform put its token there (Kubernetes: a projected volume with a serviceAccountToken), or correct the path`;
  }
  const right = code === 'EACCES' || code === 'EPERM';
  const what = right
    ? 'give the user that this app runs as the right to read it'
    : 'check the path and its volume';
  return `${path} cannot be read (${code}): ${what}`;
}

function fault(what: string): AuthError {
  return new AuthError('client_refused', { hint: `OIDC_CLIENT_ASSERTION_FILE: ${what}` });
}
