import { claimTexts } from '../errors/texts/claims.ts';

type ClaimKey = Extract<keyof typeof claimTexts, `claim.${string}`>;

/** The well-known claims, in the order that pages show them. Those that are not here come after these. */
export const claimNames: readonly string[] = Object.keys(claimTexts)
  .filter((key) => key.startsWith('claim.'))
  .map((key) => key.slice('claim.'.length));

/** The text that says what a claim means; undefined where only its own name does. */
export function claimKey(name: string): ClaimKey | undefined {
  const key = `claim.${name}`;
  return Object.hasOwn(claimTexts, key) ? (key as ClaimKey) : undefined;
}

/** Claims about the sign-in, not about the person. */
export const signInClaims: ReadonlySet<string> = new Set(
  'sub iss aud azp auth_time acr amr iat nbf exp sid jti nonce at_hash c_hash s_hash'.split(' '),
);

/** Claims that hold a moment. */
export const timeClaims: ReadonlySet<string> = new Set('auth_time iat nbf exp updated_at'.split(' '));
