import { AuthError } from '../errors/auth-error.ts';
import { type Decryption, DecryptionError, isEncrypted } from './decryption.ts';
import type { ProviderAnswer } from './fetch.ts';
import { said } from './hint-text.ts';
import type { WarnOnce } from './warn-once.ts';

/** Opens what is encrypted in an answer, before the library sees it: then only signed tokens are left to verify. */
export class EncryptedAnswers {
  readonly #decryption: Decryption;
  readonly #warnOnce: WarnOnce;

  constructor(decryption: Decryption, warnOnce: WarnOnce) {
    this.#decryption = decryption;
    this.#warnOnce = warnOnce;
  }

  /** @throws AuthError `id_token_encrypted` */
  openIdToken(token: string): Promise<string> {
    return this.#open(token, 'the ID token', idTokenError);
  }

  /** @throws AuthError `userinfo_encrypted` */
  async openUserinfo(answer: ProviderAnswer): Promise<ProviderAnswer> {
    if (answer.status !== 200) return answer;
    const type = answer.headers.get('content-type') ?? '';
    const body = await answer.text();
    if (/^application\/jwt\b/i.test(type)) {
      const inner = await this.#open(body, 'userinfo', userinfoError);
      return inner === body ? answer : answer.withContent(inner);
    }
    // No JSON object begins so. The library would only say that this is none.
    if (body.startsWith('eyJ') && isEncrypted(body)) {
      const sentAs = type ? `as ${said(type)}` : 'without a Content-Type';
      throw userinfoError(
        `userinfo is encrypted and sent ${sentAs}: have the provider send it as application/jwt`,
      );
    }
    this.#warnOfUnencrypted('userinfo');
    return answer;
  }

  async #open(token: string, what: string, errorOf: typeof userinfoError): Promise<string> {
    if (!isEncrypted(token)) this.#warnOfUnencrypted(what);
    try {
      return await this.#decryption.open(token, what);
    } catch (error) {
      throw error instanceof DecryptionError ? errorOf(error.message, error) : error;
    }
  }

  /** It is accepted, as it came by TLS. But whoever has set a key expects encryption, and would not notice. */
  #warnOfUnencrypted(what: string): void {
    if (!this.#decryption.isSet) return;
    this.#warnOnce(
      `OIDC_DECRYPTION_KEY_FILE is set, and ${what} comes unencrypted`,
      `register this app's key and the encryption of ${what} at the provider: npm run doctor prints both`,
    );
  }
}

function idTokenError(hint: string, cause?: Error): AuthError {
  return new AuthError('id_token_encrypted', { cause, hint });
}

function userinfoError(hint: string, cause?: Error): AuthError {
  return new AuthError('userinfo_encrypted', { cause, hint: `${hint}, or set OIDC_USERINFO=false` });
}
