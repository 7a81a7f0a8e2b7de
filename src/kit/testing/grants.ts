import { hash, randomUUID } from 'node:crypto';

/** Somebody at the provider, as one browser knows them. */
export interface Account {
  /** What the provider says about them, from now on. */
  claims: Readonly<Record<string, unknown>>;
  /** When they last proved who they are, in seconds. */
  authTime: number;
  sid: string;
}

/** The app, as it is registered. */
export interface Registration {
  clientId: string;
  clientSecret: string;
  redirectUri: string;
  postLogoutRedirectUri: string;
}

/** What a code or a token grants, and to whom. */
export interface Grant {
  account: Account;
  scope: string;
  nonce: string;
  challenge: string;
  acr: string | undefined;
}

/** Codes and tokens of the provider in memory. */
export function createGrants() {
  const codes = new Map<string, Grant>();
  const refreshTokens = new Map<string, Grant>();
  const accessTokens = new Map<string, Grant>();
  return {
    codeFor(account: Account, parameters: URLSearchParams): string {
      const now = Math.floor(Date.now() / 1000);
      const maxAge = parameters.get('max_age');
      const stale = maxAge !== null && now - account.authTime > Number(maxAge);
      if (stale || parameters.get('prompt')?.split(' ').includes('login')) account.authTime = now;
      const code = randomUUID();
      codes.set(code, {
        account,
        scope: parameters.get('scope') ?? '',
        nonce: parameters.get('nonce') ?? '',
        challenge: parameters.get('code_challenge') ?? '',
        // Whoever is asked for a stronger sign-in gives it.
        acr: parameters.get('acr_values')?.split(' ')[0],
      });
      return code;
    },
    /** Takes a code or a refresh token, each of which works once; undefined where it does not. */
    redeem(form: URLSearchParams, app: Registration | undefined): Grant | undefined {
      const refreshing = form.get('grant_type') === 'refresh_token';
      const tickets = refreshing ? refreshTokens : codes;
      const ticket = form.get(refreshing ? 'refresh_token' : 'code') ?? '';
      const grant = tickets.get(ticket);
      tickets.delete(ticket);
      return grant && (refreshing || isProven(grant, form, app)) ? grant : undefined;
    },
    tokensFor(grant: Grant): { access_token: string; refresh_token?: string } {
      const [access_token, refresh_token] = [randomUUID(), randomUUID()];
      accessTokens.set(access_token, grant);
      if (!grant.scope.split(' ').includes('offline_access')) return { access_token };
      refreshTokens.set(refresh_token, grant);
      return { access_token, refresh_token };
    },
    byAccessToken: (token: string) => accessTokens.get(token),
    revoke(token: string): void {
      refreshTokens.delete(token);
      accessTokens.delete(token);
    },
  };
}

/** RFC 7636 §4.6, RFC 6749 §4.1.3. */
function isProven(grant: Grant, form: URLSearchParams, app: Registration | undefined): boolean {
  const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url');
  return challenge === grant.challenge && form.get('redirect_uri') === app?.redirectUri;
}
