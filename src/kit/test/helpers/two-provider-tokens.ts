import { randomUUID } from 'node:crypto';
import type { TwoLiars } from './confusable-providers.ts';
import { logoutEvent } from './logout-tokens.ts';
import { signToken } from './misbehaving-keys.ts';
import type { MisbehavingProvider } from './misbehaving-provider.ts';

type Name = 'work' | 'social';

/** What is signed by whose keys, and whose issuer it names. */
export interface Made {
  keys: Name;
  iss: Name;
  claims?: Record<string, unknown>;
  header?: Record<string, unknown>;
}

/** A token that one of the two could make with its keys, or one could only make for the other. The key id is both's. */
export function tokenOf(two: TwoLiars, { keys, iss, claims, header }: Made): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const whole = {
    ...{ iss: two[iss].issuer, sub: 'user-1', aud: two[iss].clientId, iat: now, exp: now + 300 },
    ...{ auth_time: now, sid: 'sid-1', name: 'Ada at work', roles: ['admin'] },
    ...claims,
  };
  return signToken(whole, {
    ...{ signing: 'RS256', alg: 'RS256', turn: 1, clientSecret: two[keys].clientSecret },
    ...{ family: keys, header },
  });
}

export function logoutTokenOf(two: TwoLiars, made: Made): Promise<string> {
  const unneeded = { name: undefined, roles: undefined, auth_time: undefined };
  const claims = { ...unneeded, jti: randomUUID(), events: { [logoutEvent]: {} }, ...made.claims };
  return tokenOf(two, { ...made, claims, header: { typ: 'logout+jwt', ...made.header } });
}

/** Has a provider's token endpoint hand out this ID token, made for the request that it answers. */
export function handOut(
  provider: MisbehavingProvider,
  makeIdToken: (nonce: string | undefined) => Promise<string>,
  more: Record<string, unknown> = {},
): void {
  let nonce: string | undefined;
  provider.takeOver('authorization', (honest, params) => {
    nonce = params.get('nonce') ?? undefined;
    return honest;
  });
  provider.takeOver('token', async (honest) => ({
    ...honest,
    json: { ...honest.json, id_token: await makeIdToken(nonce), ...more },
  }));
}
