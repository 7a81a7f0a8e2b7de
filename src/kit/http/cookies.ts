import type { Request, Response } from 'express';

/** A browser has a handful of cookies of ours. Whatever sends more gets no answer to each of them. */
const mostCookies = 50;

/** The names that our cookies have, but for the prefix. */
export function isOurName(plain: string): boolean {
  return isLoginName(plain) || ['session', 'sign-ins', 'signed-out', 'said', 'provider'].includes(plain);
}

/**
 * The name of a login cookie, or one that only looks like it. With any other character it cannot be ours, and no
 * Set-Cookie that we may send could take it away.
 */
export function isLoginName(plain: string): boolean {
  return /^login-[\w-]*$/.test(plain);
}

/**
 * The cookies' names and attributes. On https they bear the `__Host-` prefix, which ties them to this host and to
 * TLS (ASVS 3.3.1); on http://localhost not every browser takes it, hence the plain names there.
 */
export class CookieJar {
  readonly #prefix: string;
  readonly #secure: boolean;
  readonly answerSite: 'lax' | 'none';
  readonly #warned = new WeakSet<Request>();

  /** @param answerSite the SameSite of what must come along with whatever provider's answer */
  constructor(secure: boolean, answerSite: 'lax' | 'none' = 'lax') {
    this.answerSite = answerSite;
    this.#secure = secure;
    this.#prefix = secure ? '__Host-' : '';
  }

  name(plain: string): string {
    return this.#prefix + plain;
  }

  /**
   * The cookies of this request whose plain name passes. One that comes twice with different values counts as none:
   * nobody can say which of them we set, and the other was set to have somebody use a session that is not theirs.
   */
  read(req: Request, wanted: (plain: string) => boolean): Map<string, string> {
    const found = new Map<string, string>();
    const disputed = new Set<string>();
    for (const [plain, value] of this.#each(req)) {
      if (!wanted(plain)) continue;
      const known = found.get(plain);
      if (known === undefined && found.size < mostCookies) found.set(plain, value);
      else if (known !== undefined && known !== value) disputed.add(plain);
    }
    for (const plain of disputed) found.delete(plain);
    if (disputed.size > 0) this.#warnOnce(req, disputed);
    return found;
  }

  /** Does this request bring a cookie of this name, whatever its value? */
  has(req: Request, plain: string): boolean {
    return [...this.#each(req)].some(([name]) => name === plain);
  }

  /** Plain name and value of each cookie that bears our prefix, compared byte for byte. */
  *#each(req: Request): Generator<[plain: string, value: string]> {
    for (const pair of req.headers.cookie?.split(';') ?? []) {
      const cut = pair.indexOf('=');
      if (cut < 0) continue;
      const name = withoutBlanks(pair.slice(0, cut));
      if (!name.startsWith(this.#prefix)) continue;
      yield [name.slice(this.#prefix.length), withoutBlanks(pair.slice(cut + 1))];
    }
  }

  /** One line for a request, however often its cookies are read. */
  #warnOnce(req: Request, disputed: ReadonlySet<string>): void {
    if (this.#warned.has(req)) return;
    this.#warned.add(req);
    // The end of a login cookie's name belongs to its state.
    const names = [...disputed].map((plain) =>
      this.name(plain.replace(/^login-.*/s, 'login-…').slice(0, 40)),
    );
    const hint = this.#secure
      ? 'another host of the same domain sets a cookie of this name: find it, or move the app to a domain of its own'
      : 'another app on this host, or another path, sets a cookie of this name: remove it in the browser';
    req.log?.warn(
      { names: [...new Set(names)], hint },
      'a cookie of ours came twice with different values and counts as none',
    );
  }

  /** @param maxAgeSeconds how long the browser keeps it */
  set(
    res: Response,
    plain: string,
    value: string,
    maxAgeSeconds: number,
    sameSite: 'lax' | 'none' = 'lax',
  ): void {
    const { name, ...attributes } = this.#attributes(plain, sameSite);
    res.cookie(name, value, { ...attributes, maxAge: maxAgeSeconds * 1000 });
  }

  #attributes(plain: string, sameSite: 'lax' | 'none') {
    return {
      name: this.name(plain),
      ...{ httpOnly: true, secure: this.#secure, sameSite, path: '/', encode: String },
    };
  }

  /** Kept until the browser is closed. */
  setForBrowserSession(res: Response, plain: string, value: string): void {
    const { name, ...attributes } = this.#attributes(plain, 'lax');
    res.cookie(name, value, attributes);
  }

  /**
   * Has the browser throw it away. Max-Age is what counts (RFC 6265 §5.3); the date is for browsers and clients that
   * only read `Expires`.
   */
  clear(res: Response, plain: string, sameSite: 'lax' | 'none' = 'lax'): void {
    // Written here: Express makes `Expires` of `maxAge`, which is now, and a clock that is slow takes that for the future.
    const attributes = [
      ...['Max-Age=0', 'Path=/', `Expires=${new Date(0).toUTCString()}`, 'HttpOnly'],
      ...(this.#secure ? ['Secure'] : []),
      sameSite === 'none' ? 'SameSite=None' : 'SameSite=Lax',
    ];
    res.append('Set-Cookie', [`${this.name(plain)}=`, ...attributes].join('; '));
  }
}

/**
 * Cuts space and tab (RFC 6265bis §5.6), and nothing else. `trim()` also cuts the byte 0xA0 and others, which a browser
 * takes for a part of the name: there, another host of the same domain may set `\xa0__Host-session`, and by the prefix
 * nobody but us could have set what we would read.
 */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
