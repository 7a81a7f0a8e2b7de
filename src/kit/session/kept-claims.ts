import { boundClaims, type SignInAnswer } from '../provider/index.ts';
import type { SessionOwner } from '../store/index.ts';
import type { UserSession } from './user.ts';

type Claims = Readonly<Record<string, unknown>>;
type Kept = Pick<UserSession, 'claims' | 'fromUserinfo'>;

/**
 * Claims that are not kept: what only the sign-in itself needed, and distributed and aggregated claims, which may contain
 * access tokens that nobody but this server may see (OpenID Connect Core §5.6.2). Whose they are is kept beside them.
 */
const left: ReadonlySet<string> = new Set([
  ...['iss', 'sub', 'sid'],
  ...['nonce', 'at_hash', 'c_hash', 's_hash', '_claim_names', '_claim_sources'],
]);

/** What the ID token says of the sign-in. A recheck makes it neither fresher nor stronger. */
const ofTheSignIn = ['auth_time', 'acr', 'amr'];

/** What an ID token says that is not about the user. A refreshed one may say nothing else (IdentityServer4). */
const ofTheProtocol: ReadonlySet<string> = new Set([
  ...left,
  ...ofTheSignIn,
  ...['aud', 'azp', 'exp', 'iat', 'nbf', 'jti', 'idp', 'typ', 'ver', 'session_state', 'rh', 'uti', 'aio'],
  // OpenIddict, Cognito.
  ...['oi_au_id', 'oi_tkn_id', 'token_use', 'origin_jti', 'event_id'],
]);

/** The claims of a sign-in as its session keeps them. */
export function keptClaims(claims: Claims, fromUserinfo: readonly string[]): Kept {
  boundClaims(claims, 'the ID token and userinfo together');
  return { claims: without(claims), fromUserinfo };
}

/** Whose sign-in it was, as its session keeps it. */
export function ownerIn({ iss, sub, sid }: SignInAnswer['claims']): SessionOwner {
  return { iss, sub, ...(typeof sid === 'string' && { sid }) };
}

/** All claims of a user: those that are kept, and whose they are. */
export function claimsOf({
  iss,
  sub,
  sid,
  claims,
}: Pick<UserSession, 'iss' | 'sub' | 'sid' | 'claims'>): Record<string, unknown> {
  return { iss, sub, ...(sid && { sid }), ...claims };
}

/**
 * The claims after a recheck. A source that has said something about the user replaces all that it said before, so a
 * role that it leaves out is gone; one that has not replaces nothing. Where both speak, the signed ones count.
 *
 * @param said what each source has answered, where it was asked and has answered
 * @throws AuthError `claims_too_large`
 */
export function claimsAfterRecheck(
  before: Kept,
  said: { idToken?: Claims | undefined; userinfo?: Claims | undefined },
): Kept {
  const names = new Set(before.fromUserinfo);
  const old = {
    idToken: pick(before.claims, (name) => !names.has(name)),
    userinfo: pick(before.claims, (name) => names.has(name)),
  };
  const idToken = isAboutUser(said.idToken)
    ? { ...without(said.idToken, ofTheSignIn), ...pick(old.idToken, (name) => ofTheSignIn.includes(name)) }
    : old.idToken;
  const userinfo = isAboutUser(said.userinfo) ? without(said.userinfo) : old.userinfo;
  const claims = { ...userinfo, ...idToken };
  boundClaims(claims, 'the refreshed ID token and userinfo together');
  return { claims, fromUserinfo: Object.keys(userinfo).filter((name) => !Object.hasOwn(idToken, name)) };
}

function isAboutUser(claims: Claims | undefined): claims is Claims {
  return claims !== undefined && Object.keys(claims).some((name) => !ofTheProtocol.has(name));
}

function without(claims: Claims, more: readonly string[] = []): Record<string, unknown> {
  return pick(claims, (name) => !left.has(name) && !more.includes(name));
}

function pick(claims: Claims, wanted: (name: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => wanted(name)));
}
