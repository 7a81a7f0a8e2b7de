import * as oidc from 'openid-client';
import type { AuthError } from '../errors/auth-error.ts';
import type { Log } from '../log/index.ts';
import type { TokenRecord } from '../store/index.ts';
import { clientCallError } from './client-refusal.ts';
import type { ProviderConnection } from './connection.ts';
import { importDpopKey } from './dpop-key.ts';
import { endsWithSession } from './quirks.ts';

/** Nobody who signs out waits longer than this. */
const patienceMs = 2_000;
/** Time to confirm the sign-out at the provider, where it asks. */
const latestMs = 30_000;

/** What of a token record a revocation needs. */
export type RevocableTokens = Pick<TokenRecord, 'refresh_token' | 'dpop_key'>;

/**
 * Revokes the refresh token (RFC 7009), within two seconds or until the signal says so. False where there is none, or
 * the provider offers no way.
 * Where access tokens are bound to a key, a proof by that key goes along: Keycloak's FAPI profiles demand it.
 *
 * @throws AuthError
 */
export async function revokeToken(
  connection: ProviderConnection,
  { refresh_token, dpop_key }: RevocableTokens,
  signal = AbortSignal.timeout(patienceMs),
): Promise<boolean> {
  if (!refresh_token || !connection.discovered.current?.revocation_endpoint) return false;
  try {
    await connection.call(
      ({ configuration, dpop: { DPoP } }) => {
        const fetch = configuration[oidc.customFetch] as oidc.CustomFetch;
        const limited: oidc.CustomFetch = async (address, options) => {
          signal.throwIfAborted();
          return fetch(address, { ...options, signal });
        };
        configuration[oidc.customFetch] = DPoP ? withProofs(limited, DPoP) : limited;
        return oidc.tokenRevocation(configuration, refresh_token, { token_type_hint: 'refresh_token' });
      },
      { dpopKey: dpop_key && (await importDpopKey(dpop_key)), alone: true },
    );
    return true;
  } catch (error) {
    throw clientCallError(error, connection.settings, 'start');
  }
}

/** The library's handle can do this, but its revocation does not ask it, and its types do not tell. */
interface Prover {
  addProof(url: URL, headers: Headers, method: string): Promise<void>;
  cacheNonce(response: { headers: Headers }, url: URL): void;
}

/** Puts a DPoP proof (RFC 9449 §4) into each call; once more where a nonce is asked for (§8). */
function withProofs(fetch: oidc.CustomFetch, handle: oidc.DPoPHandle): oidc.CustomFetch {
  const prover = handle as unknown as Prover;
  return async (address, options) => {
    const url = new URL(address);
    const send = async () => {
      const headers = new Headers(options.headers);
      await prover.addProof(url, headers, options.method);
      const answer = await fetch(address, { ...options, headers: Object.fromEntries(headers) });
      prover.cacheNonce(answer, url);
      return answer;
    };
    const answer = await send();
    const wantsNonce = answer.status >= 400 && answer.status < 500 && answer.headers.has('dpop-nonce');
    return wantsNonce ? send() : answer;
  };
}

/**
 * Revocations that wait until the provider has ended its own session (see `revocationEndsSession`): for the browser to
 * come back from there, for half a minute at most, or for the end of this process. Kept in this process only, so that
 * no token of an ended session stays in the store.
 */
export class LateRevocations {
  readonly #waiting = new Map<string, (sessionEnded: boolean) => Promise<boolean>>();
  readonly #revoke: (tokens: RevocableTokens) => Promise<boolean>;
  readonly #log: Log;

  constructor(revoke: (tokens: RevocableTokens) => Promise<boolean>, log: Log) {
    this.#revoke = revoke;
    this.#log = log;
  }

  /** @param name of the sign-out: its state */
  add(name: string, tokens: RevocableTokens): void {
    const timer = setTimeout(() => this.carryOut(name), latestMs).unref();
    this.#waiting.set(name, async (sessionEnded) => {
      clearTimeout(timer);
      this.#waiting.delete(name);
      if (sessionEnded && endsWithSession(tokens.refresh_token)) return true;
      try {
        return await this.#revoke(tokens);
      } catch (error) {
        const { message, hint } = error as AuthError;
        this.#log.warn({ reason: message, hint }, 'the refresh token could not be revoked');
        return false;
      }
    });
  }

  /**
   * Revokes now what waits under this name, within two seconds. Never rejects.
   *
   * @param sessionEnded the provider's session ended, as its answer says, and with it a token that belongs to it
   * @returns whether the token is worth nothing now; false where none waits
   */
  async carryOut(name: string, sessionEnded = false): Promise<boolean> {
    return (await this.#waiting.get(name)?.(sessionEnded)) ?? false;
  }

  async carryOutAll(): Promise<void> {
    await Promise.all([...this.#waiting.values()].map((revoke) => revoke(false)));
  }
}
