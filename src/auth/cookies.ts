import type { Request, Response } from 'express';

/** The names that our cookies have, but for the prefix. */
export function isOurName(plain: string): boolean {
  return (
    plain.startsWith('login-') || ['session', 'sign-ins', 'signed-out', 'said', 'provider'].includes(plain)
  );
}

/**
 * The cookies' names and attributes. On https they bear the `__Host-` prefix, which ties them to this host and to
 * TLS (ASVS 3.3.1); on http://localhost not every browser takes it, hence the plain names there.
 */
export class CookieJar {
  readonly #prefix: string;
  readonly #secure: boolean;
  readonly answerSite: 'lax' | 'none';

  /** @param answerSite the SameSite of what must come along with the provider's answer */
  constructor(secure: boolean, answerSite: 'lax' | 'none' = 'lax') {
    this.answerSite = answerSite;
    this.#secure = secure;
    this.#prefix = secure ? '__Host-' : '';
  }

  name(plain: string): string {
    return this.#prefix + plain;
  }

  /** The cookies of this request whose plain name passes; a name that comes twice counts once, the first. */
  read(req: Request, wanted: (plain: string) => boolean): Map<string, string> {
    const found = new Map<string, string>();
    for (const pair of req.headers.cookie?.split(';') ?? []) {
      const cut = pair.indexOf('=');
      const name = pair.slice(0, cut).trim();
      if (cut < 0 || !name.startsWith(this.#prefix)) continue;
      const plain = name.slice(this.#prefix.length);
      if (wanted(plain) && !found.has(plain)) found.set(plain, pair.slice(cut + 1).trim());
    }
    return found;
  }

  /** @param maxAgeSeconds how long the browser keeps it; 0 has it thrown away */
  set(
    res: Response,
    plain: string,
    value: string,
    maxAgeSeconds: number,
    sameSite: 'lax' | 'none' = 'lax',
  ): void {
    res.cookie(this.name(plain), value, {
      httpOnly: true,
      secure: this.#secure,
      sameSite,
      path: '/',
      maxAge: maxAgeSeconds * 1000,
      encode: String,
    });
  }

  clear(res: Response, plain: string, sameSite: 'lax' | 'none' = 'lax'): void {
    this.set(res, plain, '', 0, sameSite);
  }
}
