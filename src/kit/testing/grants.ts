import { hash, randomUUID } from 'node:crypto';
import type { ApiToken } from '../provider/index.ts';

/** Somebody at the provider, as one browser knows them. */
export interface Account {
  /** What the provider says about them, from now on. */
  claims: Readonly<Record<string, unknown>>;
  /** When they last proved who they are, in seconds. */
  authTime: number;
  sid: string;
  /** The provider takes them no more: no sign-in, no token, no userinfo. */
  disabled?: boolean;
}

/** The app, as it is registered. */
export interface Registration {
  clientId: string;
  clientSecret: string;
  redirectUri: string;
  postLogoutRedirectUri: string;
  /** The APIs of the site for which it may have access tokens of their own. */
  apis?: readonly ApiToken[];
}

/** What a code or a token grants, and to whom. */
export interface Grant {
  account: Account;
  scope: string;
  nonce: string | undefined;
  challenge: string;
  acr: string | undefined;
  /** What the sign-in named as `resource` (RFC 8707). */
  resources: readonly string[];
}

/** How long an access token is taken, in seconds. */
export const accessTokenSeconds = 3_600;
const codeSeconds = 60;

/** Codes and tokens of the provider in memory. */
export function createGrants() {
  const codes = new Map<string, Grant & { endsAt: number }>();
  const refreshTokens = new Map<string, Grant>();
  const accessTokens = new Map<string, Grant & { endsAt: number }>();
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
        resources: parameters.getAll('resource'),
        endsAt: after(codeSeconds),
      });
      return code;
    },
    /** What a code or a refresh token is for, without taking it. */
    heldBy: (form: URLSearchParams): Grant | undefined =>
      refreshTokens.get(form.get('refresh_token') ?? '') ?? codes.get(form.get('code') ?? ''),
    /**
     * Takes a code or a refresh token, each of which works once; undefined where it does not. That of a disabled account
     * stays as it is.
     */
    redeem(form: URLSearchParams, app: Registration | undefined): Grant | 'disabled' | undefined {
      if (form.get('grant_type') === 'refresh_token') {
        const grant = take(refreshTokens, form.get('refresh_token'));
        // OpenID Connect Core §12.2: a refreshed ID token has no nonce.
        return typeof grant === 'object' ? { ...grant, nonce: undefined } : grant;
      }
      const grant = take(codes, form.get('code'));
      if (typeof grant !== 'object') return grant;
      return grant.endsAt > Date.now() && isProven(grant, form, app) ? grant : undefined;
    },
    /** @param access_token one that says what it is for; left out, one that says nothing */
    tokensFor(
      grant: Grant,
      access_token: string = randomUUID(),
    ): { access_token: string; refresh_token?: string } {
      const refresh_token = randomUUID();
      accessTokens.set(access_token, { ...grant, endsAt: after(accessTokenSeconds) });
      if (!grant.scope.split(' ').includes('offline_access')) return { access_token };
      refreshTokens.set(refresh_token, grant);
      return { access_token, refresh_token };
    },
    byAccessToken(token: string): Grant | undefined {
      const grant = accessTokens.get(token);
      return grant && grant.endsAt > Date.now() && !grant.account.disabled ? grant : undefined;
    },
    revoke(token: string): void {
      refreshTokens.delete(token);
      accessTokens.delete(token);
    },
  };
}

function take<Ticket extends Grant>(
  tickets: Map<string, Ticket>,
  ticket: string | null,
): Ticket | 'disabled' | undefined {
  const grant = tickets.get(ticket ?? '');
  if (grant?.account.disabled) return 'disabled';
  tickets.delete(ticket ?? '');
  return grant;
}

const after = (seconds: number) => Date.now() + seconds * 1_000;

/** RFC 7636 §4.6, RFC 6749 §4.1.3. */
function isProven(grant: Grant, form: URLSearchParams, app: Registration | undefined): boolean {
  const challenge = hash('sha256', form.get('code_verifier') ?? '', 'base64url');
  return challenge === grant.challenge && form.get('redirect_uri') === app?.redirectUri;
}
