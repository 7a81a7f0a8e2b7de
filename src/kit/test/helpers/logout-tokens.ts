import { createHmac, randomUUID } from 'node:crypto';
import { importJWK, type JWK, SignJWT } from 'jose';
import { clientId, type IdentityProvider } from './identity-provider.ts';

export const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout';

export interface Forgery {
  /** Claims to replace; undefined takes one out. */
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
  /** The algorithm of the provider's published key to sign with. */
  alg?: string;
  /** Signs with this key instead. */
  key?: JWK;
}

/** A logout token as the provider makes it, about this user; with changes, one that it never would. */
export async function logoutToken(
  provider: IdentityProvider,
  about: Record<string, unknown>,
  { claims, header, alg = 'RS256', key }: Forgery = {},
): Promise<string> {
  const published = provider.jwks.keys.find((each) => each.alg === alg) as JWK;
  const now = Math.floor(Date.now() / 1000);
  const honest = {
    iss: provider.issuer,
    aud: clientId,
    iat: now,
    exp: now + 120,
    jti: randomUUID(),
    events: { [logoutEvent]: {} },
    ...about,
  };
  return new SignJWT({ ...honest, ...claims })
    .setProtectedHeader({ alg, kid: published.kid as string, typ: 'logout+jwt', ...header })
    .sign(await importJWK(key ?? published, alg));
}

/** The claims of a token under another header, signed by an HMAC or not at all: what no honest library makes. */
export function resign(token: string, header: Record<string, unknown>, secret?: string): string {
  const text = `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${token.split('.')[1]}`;
  const signature = secret && createHmac('sha256', secret).update(text).digest('base64url');
  return `${text}.${signature ?? ''}`;
}
